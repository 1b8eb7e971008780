"""A vault in memory: one store for all services, and a cache in each process."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from uuid import UUID, uuid5

from shared.privacy.sealing import Key
from shared.privacy.vault import Vault

from .fate import Ports

KEYS = UUID("6b1f1f1e-0000-4000-8000-00000000000a")


class SimulatedVault(Vault):
    """Keys made of their subjects, so that the same seed seals to the same bytes."""

    def __init__(self, store: dict[str, Key], ports: Ports):
        super().__init__(None, None)  # type: ignore[arg-type]
        self._store, self._ports = store, ports

    async def keys_for(self, subjects: Iterable[str]) -> Mapping[str, Key]:
        wanted = sorted(set(subjects))
        if missing := [s for s in wanted if s not in self._by_subject]:
            self._by_subject |= await self._ports.call("vault.keys_for", self._made, missing)
            self._by_id |= {self._by_subject[s].id: self._by_subject[s] for s in missing}
        return {s: self._by_subject[s] for s in wanted}

    def _made(self, subjects: Sequence[str]) -> dict[str, Key]:
        return {s: self._store.setdefault(s, _key(s)) for s in subjects}

    async def keys(self, ids: Iterable[str]) -> Mapping[str, Key | None]:
        wanted = set(ids)
        if missing := sorted(i for i in wanted if i not in self._by_id):
            self._by_id |= await self._ports.call("vault.keys", self._found, missing)
        return {i: self._by_id[i] for i in wanted}

    def _found(self, ids: Sequence[str]) -> dict[str, Key | None]:
        held = {key.id: key for key in self._store.values()}
        return {i: held.get(i) for i in ids}


def _key(subject: str) -> Key:
    return Key(str(uuid5(KEYS, subject)), sha256(subject.encode()).digest())
