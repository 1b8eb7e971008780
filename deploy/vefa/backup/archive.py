"""The file of a backup: a tar with ``database.dump``, which pg_restore reads, and then ``manifest.json``, so that one
that was cut off has no manifest. It appears under its name only when it is whole and on disk."""

import os
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import orjson
from pydantic import BaseModel, ConfigDict

from deploy.vefa.base import Failed
from deploy.vefa.local.home import sync_folder

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
CHUNK = 2**20


class LogEnd(BaseModel):
    """Where a log ends."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    position: int
    said: int
    """Position of the last row that it said."""
    hash: str
    """Of the last row, in hex."""


class Manifest(BaseModel):
    """What is in a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    made_at: datetime
    """UTC; every log and view, and the vault, is as of this instant."""
    vefa: str
    postgresql: str
    roles: tuple[str, ...]
    """Of the database, without the administrator."""
    logs: Mapping[str, LogEnd]
    keys: int
    """Of data subjects."""
    secrets: Mapping[str, str]
    """File -> id of the secret that this database needs; nothing can be read from an id."""
    bytes: int = 0
    sha256: str = ""
    """Size and digest of the dump."""
    checksum: str = ""
    """SHA-256 over all of the above."""

    def sealed(self, size: int, digest: str) -> "Manifest":
        whole = self.model_copy(update={"bytes": size, "sha256": digest})
        return whole.model_copy(update={"checksum": whole.computed()})

    def computed(self) -> str:
        return sha256(self.model_copy(update={"checksum": ""}).model_dump_json().encode()).hexdigest()


class Writer:
    """Takes the dump as it comes."""

    def __init__(self, file: BinaryIO):
        self._file, self._digest, self.size = file, sha256(), 0
        self._file.write(bytes(tarfile.BLOCKSIZE))  # the dump's header, when its size is known

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def finish(self, manifest: Manifest) -> Manifest:
        whole = manifest.sealed(self.size, self._digest.hexdigest())
        content = whole.model_dump_json(indent=1).encode()
        self._pad(self.size)
        self._file.write(_header(MANIFEST, len(content), whole.made_at) + content)
        self._pad(len(content))
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))
        self._file.seek(0)
        self._file.write(_header(DUMP, self.size, whole.made_at))
        return whole

    def _pad(self, size: int) -> None:
        self._file.write(bytes(-size % tarfile.BLOCKSIZE))


def _header(name: str, size: int, at: datetime) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(at.timestamp())
    return info.tobuf(tarfile.GNU_FORMAT)


@contextmanager
def private_file(path: Path, option: str) -> Iterator[BinaryIO]:
    """A new file, readable by us alone, that appears under its name when the block ends well, and not at all otherwise.
    Raises Failed naming the option when there is one already."""
    if path.exists():
        raise Failed(f"{option}: {path} exists already; choose another name")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as e:
        raise Failed(f"{option}: {path} cannot be written: {e.strerror}; choose another place") from e
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        sync_folder(path.parent)
    except OSError as e:
        raise Failed(f"{option}: {path} cannot be written: {e.strerror}; choose another place") from e
    finally:
        part.unlink(missing_ok=True)


class Archive:
    """A backup that was opened; Failed when it is none, is not whole, or was made by a newer Vefa."""

    def __init__(self, path: Path):
        self.path = path
        try:
            with tarfile.open(path, "r:") as tar:
                members = {member.name: member for member in tar.getmembers()}
                dump, manifest = members[DUMP], members[MANIFEST]
                content = tar.extractfile(manifest)
                assert content is not None
                read = orjson.loads(content.read())
                if read["format"] > FORMAT:
                    raise Failed(f"FILE: {path} has format {read['format']}, made by a newer Vefa; update this one")
                self.manifest = Manifest.model_validate(read)
        except OSError as e:
            if e.strerror is None:
                raise self._broken("it is cut off") from e
            raise Failed(f"FILE: {path} cannot be read: {e.strerror}") from e
        except (tarfile.TarError, KeyError) as e:
            raise self._broken("it is cut off, or no backup of Vefa") from e
        except (ValueError, TypeError) as e:
            raise self._broken("its manifest cannot be read") from e
        self._offset, size = dump.offset_data, dump.size
        if self.manifest.checksum != self.manifest.computed() or self.manifest.bytes != size:
            raise self._broken("its manifest was changed")

    def chunks(self) -> Iterator[bytes]:
        """The dump, from its beginning to its end."""
        left = self.manifest.bytes
        with self.path.open("rb") as file:
            file.seek(self._offset)
            while left and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def verify(self) -> None:
        """Read all of it; Failed when a byte is another one than was written."""
        digest = sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        if digest.hexdigest() != self.manifest.sha256:
            raise self._broken("its content was changed after it was made")

    def _broken(self, why: str) -> Failed:
        return Failed(f"FILE: {self.path} is no whole backup: {why}; take another one")
