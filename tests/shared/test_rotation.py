"""The master key is exchanged: every key that is left opens under the new one, nothing opens under the old, whatever
happens on the way."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.privacy import vault as vaults
from shared.privacy.master_key import MasterKey, id_of
from shared.privacy.vault import Vault
from tests.waiting import until

pytestmark = pytest.mark.servers
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OLD = b"o" * 32
PEOPLE = [f"person {n}" for n in range(25)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "master.key").write_bytes(OLD)
    return tmp_path


async def opened(pool: Any, folder: Path) -> Vault:
    vault = Vault(pool, MasterKey.in_folder(folder))
    await vault.create()
    return vault


async def stored(pool: Any) -> list[tuple[Any, bytes, str]]:
    async with pool.connection() as conn:
        cursor = await conn.execute("select key_id, wrapped, wrapped_by from vault.keys order by subject")
        return [(i, bytes(w), by) for i, w, by in await cursor.fetchall()]


async def test_what_is_left_opens_under_the_new_key_and_nothing_under_the_old(
    pool: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vaults, "ROTATE_PAGE", 10)
    vault, other = await opened(pool, folder), await opened(pool, folder)
    keys = await vault.keys_for(PEOPLE)
    backup = [(i, w) for i, w, _ in await stored(pool)]
    await vault.destroy(PEOPLE[:5], NOW)
    assert await vault.rotate(NOW) == NOW
    new = (folder / "master.key").read_bytes()
    assert new != OLD
    assert not (folder / "master.next").exists()
    assert {by for *_, by in await stored(pool)} == {id_of(new)}
    assert await other.keys([k.id for k in keys.values()]) == {
        k.id: None if subject in PEOPLE[:5] else k for subject, k in keys.items()
    }
    again = await opened(pool, folder)
    assert await again.keys_for(PEOPLE[5:]) == {p: keys[p] for p in PEOPLE[5:]}
    for key_id, wrapped in backup:  # of the vault as it was
        AESGCM(OLD).decrypt(key_id.bytes[:12], wrapped, key_id.bytes)
        with pytest.raises(InvalidTag):
            AESGCM(new).decrypt(key_id.bytes[:12], wrapped, key_id.bytes)


async def test_every_process_forgets_the_old_key(pool: Any, folder: Path) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)
    await vault.rotate(NOW)
    await other.refresh()
    assert set(other.master._keys) == set(vault.master._keys) == {id_of((folder / "master.key").read_bytes())}


async def test_who_follows_the_vault_outlives_a_folder_that_cannot_be_read(
    pool: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vaults, "WATCH_SECONDS", 0.05)
    vault, other = await opened(pool, folder), await opened(pool, folder)
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("no folder")
    vault.master._keys["another"] = b"x" * 32  # so that it looks into the folder
    watching = asyncio.create_task(vault.watch())
    await asyncio.sleep(0.2)
    assert not watching.done()
    folder.unlink()
    folder.with_name("elsewhere").rename(folder)
    await other.revoke("sub:ece", NOW, "left")
    await until(lambda: "sub:ece" in vault.revoked)
    watching.cancel()


async def test_keys_that_are_made_meanwhile_open_afterwards(pool: Any, folder: Path) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)

    async def make(n: int) -> None:
        await asyncio.sleep(n / 500)
        await other.keys_for([f"newcomer {n}"])

    await asyncio.gather(*(make(n) for n in range(40)), *(vault.rotate(NOW) for _ in range(1)))
    await vault.rotate(NOW)
    fresh = await opened(pool, folder)
    assert len(await fresh.keys_for([f"newcomer {n}" for n in range(40)])) == 40


async def test_a_key_is_made_under_the_master_key_of_now_by_who_does_not_know_it_yet(pool: Any, folder: Path) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)
    known = await other.keys_for(["ada"])
    await vault.rotate(NOW)
    made = await other.keys_for(["ada", "late"])
    async with pool.connection() as conn:
        wrapped_by = await (await conn.execute("select distinct wrapped_by from vault.keys")).fetchall()
    assert wrapped_by == [(vault.master.id,)]
    assert await vault.keys_for(["late", "ada"]) == made == {**made, **known}


async def test_a_key_is_made_by_who_has_dropped_the_old_master_key_and_takes_it_for_the_one_in_force(
    pool: Any, folder: Path
) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)
    known = await vault.keys_for(["ada"])
    await vault.rotate(NOW)
    assert await other.keys_for(["ada"]) == known
    assert (other.master.id, set(other.master._keys)) == (id_of(OLD), {vault.master.id})
    made = await other.keys_for(["late"])
    assert (await (await opened(pool, folder)).keys_for(["late"])) == made


async def test_a_key_is_not_made_where_the_master_key_is_missing(pool: Any, folder: Path) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)
    await vault.rotate(NOW)
    (folder / "master.key").write_bytes(b"x" * 32)
    with pytest.raises(PermissionError, match=f"master key {vault.master.id}: restore master.key"):
        await other.keys_for(["late"])
    assert await stored(pool) == []


async def test_keys_that_could_not_be_made_are_said_so(
    pool: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing key would be taken for a message that is wrong, and the message be parked."""

    async def exchanged(self: Vault, subjects: list[str], by: str) -> None:
        pass

    monkeypatch.setattr(Vault, "_make", exchanged)
    with pytest.raises(PermissionError, match="again and again"):
        await (await opened(pool, folder)).keys_for(["ada"])


async def test_the_next_master_key_is_found_by_who_looks_while_it_takes_its_place(
    pool: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)
    new, read = vault.master.prepare(), Path.read_bytes

    def then_exchanged(path: Path) -> bytes:
        monkeypatch.undo()
        try:
            return read(path)
        finally:
            vault.master.exchange(new)

    monkeypatch.setattr(Path, "read_bytes", then_exchanged)
    assert id_of(other.master.of(new)) == new


async def test_new_keys_are_not_read_back_and_others_are(
    pool: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, other = await opened(pool, folder), await opened(pool, folder)
    known = await other.keys_for(["ada"])
    read, load = list[str](), Vault._load

    async def noted(self: Vault, where: Any, wanted: list[str]) -> None:
        read.extend(wanted)
        await load(self, where, wanted)

    monkeypatch.setattr(Vault, "_load", noted)
    assert (await vault.keys_for(["new", "ada"]))["ada"] == known["ada"]
    assert read == ["ada"]


@pytest.mark.parametrize("moment", ["after the file", "after the commit"])
async def test_a_crash_on_the_way_loses_nothing(
    pool: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    vault = await opened(pool, folder)
    keys = await vault.keys_for(PEOPLE)
    if moment == "after the file":
        monkeypatch.setattr(vaults, "wrap", lambda *_: 1 / 0)
    else:
        monkeypatch.setattr(vault.master, "exchange", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await vault.rotate(NOW)
    monkeypatch.undo()
    after_the_crash = await opened(pool, folder)
    assert await after_the_crash.keys_for(PEOPLE) == keys
    await after_the_crash.rotate(NOW)
    assert not (folder / "master.next").exists()
    assert await (await opened(pool, folder)).keys_for(PEOPLE) == keys


async def test_another_installations_master_key_is_refused_at_the_start(pool: Any, folder: Path) -> None:
    await opened(pool, folder)
    with pytest.raises(PermissionError, match="of this installation"):
        await Vault(pool, MasterKey(b"x" * 32)).create()


async def test_a_master_key_in_no_folder_cannot_be_exchanged(pool: Any) -> None:
    vault = Vault(pool, MasterKey(OLD))
    await vault.create()
    with pytest.raises(PermissionError, match="no folder"):
        await vault.rotate(NOW)
