"""The secrets of an installation: named by ids from which nothing can be read, copied into one file, chosen for a
restore."""

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from deploy.vefa.base import Failed, master_folder
from deploy.vefa.local.home import make_folder, sync_folder, write_private
from deploy.vefa.local.postgres import RESTORED
from shared.privacy.master_key import MasterKey, id_of

from .archive import private_file

KEPT = ("master.key", "index.key", "link.key", "token.key")
"""``servers.key`` is made anew for new servers."""
NEEDED = {
    "master.key": "no personal text could be read",
    "index.key": "nobody who writes again would be recognised",
}
"""Without which a database is not restored, and why."""
WISHED = {"link.key": "links and reply addresses that were sent lead nowhere", "token.key": "tokens must be made anew"}


def folder(data: Path) -> Path:
    """Where all but the master key lie; that may lie elsewhere."""
    return data / "secrets"


def path_of(data: Path, name: str) -> Path:
    return (master_folder(data) if name == "master.key" else folder(data)) / name


def identity(name: str, content: bytes) -> str:
    return id_of(content) if name == "master.key" else sha256(f"vefa {name}|".encode() + content).hexdigest()[:16]


def ids(data: Path) -> dict[str, str]:
    """File -> id of each secret that is here."""
    return {n: identity(n, p.read_bytes()) for n in KEPT if (p := path_of(data, n)).exists()}


def save(data: Path, target: Path) -> list[str]:
    """Copy the secrets into a new file; returns their names."""
    found = {name: path.read_bytes() for name in KEPT if (path := path_of(data, name)).exists()}
    if "master.key" not in found:
        raise Failed(f"--data: {path_of(data, 'master.key')} is not here; start the platform once: vefa up")
    with private_file(target, "FILE") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in found.items():
            info = tarfile.TarInfo(f"secrets/{name}")
            info.size, info.mode = len(content), 0o600
            tar.addfile(info, io.BytesIO(content))
    return list(found)


def saved(file: Path) -> dict[str, bytes]:
    """The secrets in such a file, by name."""
    found = {}
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar.getmembers():
                name, content = Path(member.name).name, tar.extractfile(member)
                if content is not None and name in KEPT:
                    found[name] = content.read()
    except OSError as e:
        raise Failed(f"--secrets: {file} cannot be read: {e.strerror or 'it is cut off'}") from e
    except tarfile.TarError as e:
        raise Failed(f"--secrets: {file} was not made by 'vefa keys save'") from e
    if "master.key" not in found:
        raise Failed(f"--secrets: {file} holds no master.key; give a file of 'vefa keys save'")
    return found


def chosen(wanted: Mapping[str, str], data: Path, given: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """What must be put into the folder of secrets so that a database can be used that needs ``wanted`` (name -> id),
    and what is lost without. Raises Failed with the remedy when something that is needed is neither here nor given."""
    here, put, warnings = ids(data), dict[str, bytes](), list[str]()
    for name in (n for n in KEPT if n in wanted and here.get(n) != wanted[n]):
        if name == "master.key" and waiting(data, wanted[name]):
            continue
        if name in given and identity(name, given[name]) == wanted[name] and (name in NEEDED or name not in here):
            put[name] = given[name]
        elif name in NEEDED:
            there = "is another one" if name in here else "is not here"
            ours = "the file given with --secrets has another one too" if name in given else "give --secrets FILE"
            raise Failed(
                f"the backup needs the {name} with the id {wanted[name]}, {path_of(data, name)} {there}; {ours}."
                f" It is in the copy that 'vefa keys save' made when the backup was made; without it {NEEDED[name]}"
            )
        elif name in here:
            warnings.append(f"{name} is another one than that of the backup: {WISHED[name]}")
        else:
            warnings.append(f"{name} is not here and is made anew: {WISHED[name]}")
    return put, warnings


def waiting(data: Path, id: str) -> bytes | None:
    """The master key of this id where an exchange was interrupted: then two lie there."""
    path = path_of(data, "master.key").with_name("master.next")
    return content if path.exists() and id_of(content := path.read_bytes()) == id else None


def master_of(id: str, data: Path, put: Mapping[str, bytes]) -> MasterKey:
    """The master key of this id; ``chosen`` found that there is one."""
    return MasterKey(put.get("master.key") or waiting(data, id) or path_of(data, "master.key").read_bytes())


@contextmanager
def installed(put: Mapping[str, bytes], data: Path, aside: str, taken: Callable[[], bool]) -> Iterator[None]:
    """Put these secrets in their places around the step that needs them, which takes those called ``NAME.restored``
    with the data; what was there is kept as ``NAME.<aside>``. The database before and the one after need another master
    key each: within the block both can be had. ``taken``: whether the step was done, asked when it failed."""
    for name, content in put.items():
        path = path_of(data, name)
        make_folder(path.parent, 0o700)
        target = path.with_name(f"{name}.{RESTORED}")
        if name == "master.key":
            target = path.with_name("master.next") if path.exists() else path
        for before in {path, target}:
            if before.exists():
                write_private(before.with_name(f"{before.name}.{aside}"), before.read_bytes())
        write_private(target, content)
        sync_folder(path.parent)
    try:
        yield
    except BaseException:
        if not taken():
            _withdraw(put, data, aside)
        raise
    if "master.key" in put and waiting(data, id_of(put["master.key"])):
        path = path_of(data, "master.key")
        path.with_name("master.next").replace(path)
        sync_folder(path.parent)


def _withdraw(put: Mapping[str, bytes], data: Path, aside: str) -> None:
    """The next exchange would take a ``master.next`` that was left behind, and with it old backups would open again."""
    path = path_of(data, "master.key").with_name("master.next")
    if "master.key" in put and path.exists():
        before = path.with_name(f"master.next.{aside}")
        if before.exists():
            before.replace(path)
        else:
            path.unlink()
        sync_folder(path.parent)
