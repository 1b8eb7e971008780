"""A replay is exact: views that are built again, twice, and those of a service that went on from snapshots in the
middle have the same bytes, and no sender is called."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.core.event import Event
from shared.core.message import Message
from shared.core.projection import Put, RowOp
from shared.privacy.vault import Vault
from shared.runtime.clock import SteppedClock
from shared.runtime.effects import Effects
from shared.store.rebuild import check, rebuild

from .porters import PARCELS, CardLeft, ParcelTaken, bring, dumped, porter, rows
from .trade import NOON

pytestmark = pytest.mark.servers
HALF = PARCELS // 2


@pytest.mark.long
async def test_views_that_are_built_again_twice_have_the_same_bytes_and_no_sender_is_called(vault: Vault) -> None:
    cards = list[str]()

    async def leave(message: Message, key: str, attempt: int, stale: bool) -> Event:
        cards.append(key)
        return CardLeft(card=key)

    async with porter(vault, "once") as service:
        await bring(service, range(HALF))
        effects = Effects(service, SteppedClock(NOON.replace(day=27)), {"card": leave})
        left = await effects.send_due()
        await bring(service, range(HALF, PARCELS))
        live = await dumped(service)
        for _ in range(2):
            await rebuild(service.log, service.views, service.views_schema)
            assert await dumped(service) == live
        assert len(live) > 100 * PARCELS
        assert len(cards) == left > 0
        while await effects.send_due():
            pass
        assert sorted(cards, key=int) == [f"{n}" for n in range(PARCELS)], "each once, also over the rebuilds"


async def test_who_goes_on_from_snapshots_says_and_shows_the_same_bytes(vault: Vault) -> None:
    async with porter(vault, "through") as service:
        await bring(service, range(PARCELS))
        through, head = await dumped(service), await service.log.head()
    async with porter(vault, "halves") as service:
        await bring(service, range(HALF))
    assert await snapshots(vault) == 3
    async with porter(vault, "halves") as service:
        await bring(service, range(HALF, PARCELS))
        assert await service.log.head() == head, "the chain over every byte of the log"
        assert await dumped(service) == through
        await rebuild(service.log, service.views, service.views_schema)
        assert await dumped(service) == through


async def snapshots(vault: Vault, change: str = "") -> int:
    """How many snapshots there are, each from the middle of its stream, after this change of their states."""
    async with vault.pool.connection() as conn:
        if change:
            await conn.execute(f"update halves.snapshots set state = {change}".encode())
        found = await (await conn.execute("select count(*) from halves.snapshots where version >= 200")).fetchone()
    return int(found[0]) if found else 0


@pytest.mark.long
async def test_control_another_snapshot_gives_another_log(vault: Vault) -> None:
    """It is read, then."""
    async with porter(vault, "through") as service:
        await bring(service, range(PARCELS))
        through, head = await dumped(service), await service.log.head()
    async with porter(vault, "halves") as service:
        await bring(service, range(HALF))
    await snapshots(vault, """'{"parcels": 0}'""")
    async with porter(vault, "halves") as service:
        await bring(service, range(HALF, PARCELS))
        assert (await service.log.head()).hash != head.hash
        assert await dumped(service) != through


@pytest.mark.long
async def test_control_a_projection_that_reads_a_clock_is_found(vault: Vault) -> None:
    def by_the_clock(message: Message) -> Iterator[RowOp]:
        yield from rows(message)
        if isinstance(message.event, ParcelTaken):
            yield Put("parcels", f"{message.event.parcel}", {"at": datetime.now(UTC)})

    async with porter(vault, "clocked", by_the_clock) as service:
        await bring(service, range(100))
        live = await dumped(service)
        assert not all(t.equal for t in (await check(service.log, service.views, service.views_schema)).values())
        await rebuild(service.log, service.views, service.views_schema)
        assert await dumped(service) != live


@pytest.mark.long
async def test_control_a_sender_that_a_projection_calls_is_called_again(vault: Vault) -> None:
    cards = list[int]()

    def sending(message: Message) -> Iterator[RowOp]:
        yield from rows(message)
        if isinstance(message.event, ParcelTaken):
            cards.append(message.event.parcel)

    async with porter(vault, "careless", sending) as service:
        await bring(service, range(100))
        await rebuild(service.log, service.views, service.views_schema)
    assert len(cards) == 200
