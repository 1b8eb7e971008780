"""The master key: it wraps the keys of all data subjects. It lies in a file, never in PostgreSQL.

While it is exchanged there are two: ``master.key`` and ``master.next``; the vault names the one that is in force."""

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Self

BYTES = 32


def id_of(key: bytes) -> str:
    """What the vault calls a master key; nothing can be read from it."""
    return sha256(b"vefa master key|" + key).hexdigest()[:16]


class MasterKey:
    """The master keys that can be had, by id. ``folder`` is where they lie; None for one that cannot be exchanged."""

    def __init__(self, key: bytes, folder: Path | None = None):
        self._folder, self.id = folder, id_of(key)
        self._keys = {self.id: key}

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """The key in ``master.key``. Raises SystemExit with the remedy when it cannot be read."""
        path = folder / "master.key"
        try:
            return cls(path.read_bytes(), folder)
        except OSError as e:
            raise SystemExit(f"cannot read the secret {path}: {e.strerror}; run 'vefa up' once, or make it") from e

    @classmethod
    def begin(cls, folder: Path) -> None:
        """Make the first key, where there is none."""
        if not (folder / "master.key").exists():
            first = cls(b"", folder)
            first.exchange(first.prepare())

    def of(self, id: str) -> bytes:
        """The key of this id; read anew when it was exchanged meanwhile. Raises PermissionError when it is not here."""
        if (key := self.get(id)) is None:
            raise PermissionError(f"the vault needs the master key {id}: restore master.key of this installation")
        return key

    def get(self, id: str) -> bytes | None:
        """The key of this id; read anew when it was exchanged meanwhile. None when it is not here."""
        if id not in self._keys:
            self._read()
        return self._keys.get(id)

    def follow(self, id: str) -> None:
        """The key of this id is in force: others are dropped once they are gone from the folder."""
        self.id = id
        if set(self._keys) != {id}:
            self._read()

    def _read(self) -> None:
        if self._folder is not None:
            found: list[bytes] = []
            # the next one first: if it takes the other's place meanwhile, it is read there
            for name in ("master.next", "master.key"):
                with suppress(FileNotFoundError):
                    found.append((self._folder / name).read_bytes())
            self._keys = {id_of(key): key for key in found}

    def prepare(self) -> str:
        """Make the next key and keep it beside the one in force; returns its id. One that an interrupted exchange left
        is taken again."""
        if self._folder is None:
            raise PermissionError("this master key lies in no folder: it cannot be exchanged")
        path = self._folder / "master.next"
        if not path.exists():
            fresh = self._folder / f".master.{secrets.token_hex(8)}"
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(BYTES))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
            self._sync()
        key = path.read_bytes()
        self._keys[id_of(key)] = key
        return id_of(key)

    def exchange(self, id: str) -> None:
        """The next key takes the place of the one before, which is gone with that."""
        assert self._folder is not None
        path = self._folder / "master.next"
        if path.exists() and id_of(path.read_bytes()) == id:
            path.rename(self._folder / "master.key")
            self._sync()
        self._keys = {id: self._keys[id]}
        self.id = id

    def _sync(self) -> None:
        assert self._folder is not None
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
