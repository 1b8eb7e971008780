"""Large content: cut, sealed, named by its ciphertext, read by others over the bus, gone with its person's key."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client

from shared.privacy.vault import Vault
from shared.store.blobs import MAX_BYTES, PIECE, Blobs
from shared.store.event_log import EventLog
from tests.conftest import FreshNats
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.long, pytest.mark.servers]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def blobs(pool: Any, vault: Vault) -> Blobs:
    log = EventLog(pool, "shop")
    await log.create()
    return Blobs(log, vault)


@pytest_asyncio.fixture
async def asking(blobs: Blobs, fresh_nats: FreshNats) -> AsyncIterator[Client]:
    """Who asks the shop for its blobs."""
    shop, client = await nats.connect(fresh_nats.url), await nats.connect(fresh_nats.url)
    await shop.subscribe("vefa.blob.shop", cb=blobs.on_asked)
    await shop.flush()
    yield client
    await client.close()
    await shop.close()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
async def test_content_comes_back_as_it_was(blobs: Blobs, size: int) -> None:
    content = os.urandom(size)
    blob = await blobs.put(content, "a.bin", "ada")
    assert (blob.size, blob.name) == (size, "a.bin")
    assert await blobs.get(blob.digest, "ada") == content


async def test_the_same_content_of_the_same_person_is_kept_once_and_of_another_apart(blobs: Blobs) -> None:
    first, again, other = [await blobs.put(b"x" * 1000, "a", whom) for whom in ("ada", "ada", "bob")]
    assert first.digest == again.digest != other.digest


async def test_nothing_of_it_is_stored_in_plain_nor_much_larger_than_it_is(blobs: Blobs, pool: Any) -> None:
    marker = b"Ayse Kaya was here"
    content = (marker + b"\xff" * 100) * 5000
    await blobs.put(content, "a.bin", "ada")
    async with pool.connection() as conn:
        rows = [bytes(row[0]) for row in await (await conn.execute("select content from shop.blobs")).fetchall()]
    assert not any(marker in row for row in rows)
    assert sum(map(len, rows)) < len(content) * 1.01


async def test_an_erased_person_s_content_is_gone(blobs: Blobs, vault: Vault) -> None:
    blob = await blobs.put(b"secret", "a", "ada")
    await vault.destroy(["ada"], NOW)
    assert await blobs.get(blob.digest, "ada") is None


async def test_changed_or_exchanged_content_is_noticed(blobs: Blobs, pool: Any) -> None:
    blob = await blobs.put(os.urandom(2 * PIECE), "a", "ada")
    async with pool.connection() as conn:
        await conn.execute("update shop.blobs set content = content || 'x' where piece = 1")
    with pytest.raises(ValueError, match="changed"):
        await blobs.get(blob.digest, "ada")


async def test_too_much_is_refused(blobs: Blobs) -> None:
    with pytest.raises(ValueError, match="at most"):
        await blobs.put(bytes(MAX_BYTES + 1), "a", "ada")


async def test_another_service_reads_it_over_the_bus(blobs: Blobs, vault: Vault, asking: Client) -> None:
    content = os.urandom(PIECE * 2 + 5)
    blob = await blobs.put(content, "a.bin", "ada")
    assert await blobs.get_from(asking, "shop", blob.digest, "ada") == content
    assert await blobs.get_from(asking, "shop", "no such digest", "ada") is None
    await vault.destroy(["ada"], NOW)
    assert await blobs.get_from(asking, "shop", blob.digest, "ada") is None


@pytest.mark.parametrize(
    "ask", [b"", b"{", b"[]", b"null", b'{"digest": 1}', b'{"digest": "a\\u0000", "row": 1e300}',
            b'{"digest": "a", "row": -1}', b'{"digest": "a", "row": NaN}', b'{"digest": {}, "row": "x"}']
)  # fmt: skip
async def test_nonsense_gets_an_empty_answer_and_the_next_one_is_served(
    blobs: Blobs, asking: Client, ask: bytes
) -> None:
    blob = await blobs.put(b"still here", "a", "ada")
    assert (await asking.request("vefa.blob.shop", ask, timeout=PATIENCE)).data == b""
    assert await blobs.get_from(asking, "shop", blob.digest, "ada") == b"still here"
