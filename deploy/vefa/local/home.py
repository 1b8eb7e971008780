"""The data directory: who owns it, who may use it now, where its servers live, and its secrets."""

import fcntl
import hashlib
import hmac
import os
import pwd
import re
import secrets
import shutil
import stat
import tempfile
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

ROOMS = Path("/var/lib/vefa")
REMNANT_SECONDS = 15.0
LOG_BYTES = 10 * 2**20
SOCKET_PATH_BYTES = 107  # sun_path of Linux less its final zero; macOS has 103
SOCKET_NAME_BYTES = len("/.s.PGSQL.65535.lock")


class LocalServerError(RuntimeError):
    """The embedded servers cannot run; the text says why and what to do."""


def write_private(path: Path, content: bytes, account: tuple[int, int] | None = None) -> None:
    """Replace a file in one step, readable by its owner only: the given account, otherwise whoever owns the folder."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    give(Path(temporary), account)
    Path(temporary).replace(path)


def give(path: Path, account: tuple[int, int] | None = None) -> None:
    """As root, give a new file or folder to an account, otherwise to the owner of its folder."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, *(account or (folder.st_uid, folder.st_gid)))


def make_folder(path: Path, mode: int, account: tuple[int, int] | None = None) -> Path:
    try:
        path.mkdir(mode=mode, parents=True)
    except FileExistsError:  # made before, or by another thread or process just now
        return path
    path.chmod(mode)  # whatever the umask says
    give(path, account)
    return path


def make_data_dir(path: Path) -> Path:
    """Closed to others; made by root it lets the servers' account pass through to what is its own."""
    return make_folder(path, 0o711 if os.geteuid() == 0 else 0o700)


def secret(data_dir: Path, name: str, size: int = 32) -> bytes:
    """The random key of this name, `size` bytes; made at the first call, kept in `<data_dir>/secrets/<name>`.

    Processes that ask at the same moment get the same key. Raises LocalServerError if the kept file has another size.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", name):
        raise LocalServerError(f"{name!r} cannot name a secret: use a-z, 0-9, '.', '_' and '-', at most 100 characters")
    make_data_dir(data_dir)
    path = make_folder(data_dir / "secrets", 0o700) / name
    if not path.exists():
        fresh = path.with_name(f".{name}.{secrets.token_hex(8)}")
        write_private(fresh, secrets.token_bytes(size))
        try:
            os.link(fresh, path)  # unlike a rename it leaves another process's key alone
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        sync_folder(path.parent)
    key = path.read_bytes()
    if len(key) != size:
        raise LocalServerError(f"{path} holds {len(key)} bytes instead of {size}: restore it from a backup")
    return key


def password(data_dir: Path, server: str, user: str) -> str:
    key = secret(data_dir, "servers.key")
    return urlsafe_b64encode(hmac.digest(key, f"{server}:{user}".encode(), "sha256"))[:32].decode()


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def may_enter(path: Path, account: tuple[int, int]) -> bool:
    """Whether the account can pass through the folder and all that lead to it, judged by the permission bits."""
    return all(_may_pass(folder, account) for folder in (path, *path.parents))


def _may_pass(folder: Path, account: tuple[int, int]) -> bool:
    uid, gid = account
    found = folder.stat()
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def copy_for_all(source: Path, target: Path) -> None:
    """Copy a program with its files so that everybody may read and run it, nobody but us change it."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__"))
    else:
        shutil.copy(source, target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def take_lock(data_dir: Path) -> int:
    """The descriptor that keeps a data directory ours for as long as it is open. Raises LocalServerError that names who
    has it."""
    path = data_dir / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode() or "unknown"
        since = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)  # it is written when it is taken
        os.close(descriptor)
        raise LocalServerError(
            f"another Vefa (process {holder}, since {since:%Y-%m-%d %H:%M:%S}Z) runs on {data_dir}, and goes on "
            f"untouched: stop it or choose another data directory; 'kill {holder}' ends it in order, as Ctrl-C does "
            "where it was started"
        ) from None
    give(path)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


class Home:
    """A data directory in use by this process. Shape of the folder:

    lock, servers.lock   who uses it, and whether servers of an earlier run are still alive
    secrets/             random keys; log/  what the servers print; ports.json  the ports to take again
    room                 where the servers' data is, if not here
    postgres/ nats/ socket/ programs/   the servers' own, in the room

    As root the servers run as the owner of the folder or, if that is root too, as `nobody`. Where that account cannot
    enter (a clone in root's home) their data lives in a room of its own below /var/lib/vefa.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute().resolve()
        try:
            make_data_dir(self.data_dir)
            self._lock = take_lock(self.data_dir)
        except PermissionError as error:
            raise LocalServerError(
                f"the data directory {self.data_dir} is closed to this user ({error}): "
                "run as its owner or choose another one"
            ) from error
        try:
            self.account = self._choose_account() if os.geteuid() == 0 else None
            self.logs = make_folder(self.data_dir / "log", 0o700)
            self.room = self._choose_room()
            self._servers_lock = self._wait_for_remnants()
        except BaseException:
            os.close(self._lock)
            raise
        self.inherited = (self._servers_lock,)
        self._open = True

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._servers_lock)
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def password(self, server: str, user: str) -> str:
        """The password of a user of a server: derived from one kept key, so there is nothing to keep in step."""
        return password(self.data_dir, server, user)

    def folder(self, name: str) -> Path:
        """A folder of the servers' account alone."""
        return make_folder(self.room / name, 0o700, self.account)

    def open_log(self, path: Path) -> BinaryIO:
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        give(path)
        return os.fdopen(descriptor, "ab")

    def socket_folder(self) -> Path:
        """A folder for Unix sockets with a path that is short enough for them."""
        path = self.room / "socket"
        if len(os.fsencode(path)) + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES - 4:
            return self.folder("socket")
        uid, _ = self.account or (os.geteuid(), 0)
        digest = hashlib.sha256(os.fsencode(self.room)).hexdigest()[:12]
        path = make_folder(Path(tempfile.gettempdir()) / f"vefa-{uid}-{digest}", 0o700, self.account)
        found = path.lstat()
        if found.st_uid != uid or stat.S_IMODE(found.st_mode) != 0o700 or not stat.S_ISDIR(found.st_mode):
            raise LocalServerError(f"{path} was made by somebody else: remove it or use a shorter data directory")
        return path

    def programs(self, version: str, *sources: Path) -> list[Path]:
        """Files and folders of one parent where the servers' account can run them: as they are, or copied to the room.

        `version` is `<name>-<number>`; copies of other versions of that name are removed.
        """
        if self.account is None or all(may_enter(source.resolve(), self.account) for source in sources):
            return list(sources)
        target = make_folder(self.room / "programs", 0o711) / version
        if not target.exists():
            for old in target.parent.glob(f"{version.rpartition('-')[0]}-*"):
                shutil.rmtree(old)
            fresh = Path(tempfile.mkdtemp(dir=target.parent))
            for source in sources:
                copy_for_all(source, fresh / source.name)
            fresh.chmod(0o755)
            fresh.replace(target)
        return [target / source.name for source in sources]

    def _choose_account(self) -> tuple[int, int]:
        owner = self.data_dir.stat()
        if owner.st_uid != 0 and has_name(owner.st_uid):
            return owner.st_uid, owner.st_gid
        nobody = pwd.getpwnam("nobody")  # also for an owner without a name, which initdb refuses
        return nobody.pw_uid, nobody.pw_gid

    def _choose_room(self) -> Path:
        note = self.data_dir / "room"
        if note.exists():
            room = Path(note.read_text().strip())
            if not room.is_dir():
                raise LocalServerError(
                    f"{note} says that the servers' data is in {room}, which is missing: bring it back, "
                    f"or remove {self.data_dir} to begin with nothing"
                )
            return room
        if self.account is None or may_enter(self.data_dir, self.account):
            return self.data_dir
        room = make_folder(make_folder(ROOMS, 0o711) / secrets.token_hex(6), 0o711)
        write_private(room / "belongs-to", f"{self.data_dir}\n".encode())
        write_private(note, f"{room}\n".encode())
        return room

    def _wait_for_remnants(self) -> int:
        """Take the lock that every server inherits: when it is free, no process of an earlier run is left."""
        descriptor = os.open(self.data_dir / "servers.lock", os.O_RDONLY | os.O_CREAT, 0o600)
        give(self.data_dir / "servers.lock")
        deadline = time.monotonic() + REMNANT_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise LocalServerError(
                        f"servers of an earlier run on {self.data_dir} are still alive after {REMNANT_SECONDS:.0f} s: "
                        "end the processes postgres and nats-server that have it open"
                    ) from None
                time.sleep(0.02)
