"""What one process destroys or revokes, another one drops: keys of erased people, tokens of agents who left."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from shared.core.message import Role
from shared.edge import tokens
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault

pytestmark = pytest.mark.servers
SEED = bytes(range(32))
PUBLIC = tokens.public_key(SEED)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_a_destroyed_key_leaves_the_cache_of_other_processes(vault: Vault, pool: Any) -> None:
    other = Vault(pool, MasterKey(b"m" * 32))
    key = (await other.keys_for(["ada"]))["ada"]
    assert (await other.keys([key.id]))[key.id]
    await vault.destroy(["ada"], NOW)
    await other.refresh()
    assert (await other.keys([key.id]))[key.id] is None
    assert (await other.keys_for(["ada"]))["ada"].id != key.id


async def test_a_key_that_was_made_after_an_erasure_stays(vault: Vault, pool: Any) -> None:
    other = Vault(pool, MasterKey(b"m" * 32))
    await vault.keys_for(["ada"])
    await vault.destroy(["ada"], NOW)
    new = (await other.keys_for(["ada"]))["ada"]
    await other.refresh()
    await other.refresh()
    assert (await other.keys_for(["ada"]))["ada"] == new
    assert (await other.keys([new.id]))[new.id] == new


async def test_a_months_quarantine_is_destroyed_thirty_days_after_its_end(vault: Vault) -> None:
    months = ["quarantine:2026-01", "quarantine:2026-02", "quarantine:2026-03"]
    keys = await vault.keys_for([*months, "ada"])
    assert await vault.destroy_quarantine(datetime(2026, 3, 30, tzinfo=UTC)) == [keys["quarantine:2026-01"].id]
    assert await vault.destroy_quarantine(datetime(2026, 3, 31, tzinfo=UTC)) == [keys["quarantine:2026-02"].id]
    assert await vault.destroy_quarantine(datetime(2026, 3, 31, tzinfo=UTC)) == []
    assert (await vault.keys([keys["ada"].id]))[keys["ada"].id]


async def test_a_revoked_token_is_refused_and_others_are_not(vault: Vault, pool: Any) -> None:
    one, another = (tokens.create(SEED, Role.agent, "ece") for _ in range(2))
    await vault.revoke(tokens.read(PUBLIC, one)["jti"], datetime.now(UTC), "lost laptop")
    other = Vault(pool, MasterKey(b"m" * 32))
    await other.refresh()
    with pytest.raises(jwt.InvalidTokenError, match="revoked"):
        tokens.check(PUBLIC, one, other.revoked)
    assert tokens.check(PUBLIC, another, other.revoked).name == "ece"


async def test_revoking_somebody_takes_every_token_until_then_and_none_after(vault: Vault) -> None:
    token = tokens.create(SEED, Role.agent, "ece")
    await vault.revoke("sub:ece", datetime.now(UTC), "left the company")
    await vault.refresh()
    with pytest.raises(jwt.InvalidTokenError, match="revoked"):
        tokens.check(PUBLIC, token, vault.revoked)
    earlier = {"sub:ece": datetime.now(UTC) - timedelta(hours=1)}
    assert tokens.check(PUBLIC, token, earlier).name == "ece"
    assert tokens.check(PUBLIC, tokens.create(SEED, Role.agent, "can"), vault.revoked).name == "can"
