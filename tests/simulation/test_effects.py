"""A process that stands still, or a log that fails, while effects are done: nothing is done again that another did."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg import OperationalError

from shared.core.event import Event, Id, State
from shared.core.message import Message, fresh
from shared.core.projection import RowOp, Table, attempt, settled
from shared.core.views import Views
from shared.core.world import Decider
from shared.runtime.clock import NextDue, SteppedClock
from shared.runtime.effects import FRESH_SECONDS, Effects
from shared.runtime.rules import Rules
from shared.runtime.service import Service
from tests.shared.trade import NOON

from .disk import Disk
from .fate import NoFate
from .log import SimulatedLog
from .loop import Loop
from .vault import SimulatedVault


class LetterAsked(Event, topic="to.post.card-asked.v1", stream="card:{letter}"):
    letter: Id
    to: Id = "ada"


class LetterSent(Event, topic="to.post.card-sent.v1", stream="card:{letter}"):
    letter: Id


class Letter(State):
    pass


def letters(message: Message) -> Iterator[RowOp]:
    match message.event:
        case LetterAsked() as e:
            yield attempt(message, e.letter, "post", e.to, NOON, NOON + timedelta(days=1))
        case LetterSent() as e:
            yield settled(e.letter)


async def post(disk: Disk) -> Service:
    ports = NoFate()
    decider = Decider({"card": Letter()}, lambda state, _: state, lambda *_: ())
    views = Views({"none": Table({"x": "bigint"})}, letters)
    service = Service(Rules("post", decider, views), SimulatedLog(disk, ports), SimulatedVault({}, ports))
    await service.start()
    return service


def asked(letter: str, to: str) -> Message:
    return fresh(LetterAsked(letter=letter, to=to), NOON, id=uuid4())


def test_who_stood_still_looks_again_before_he_sends() -> None:
    """5041: what another process had sent meanwhile was sent again, all that had been found due before."""

    async def play() -> None:
        disk, sent = Disk(), list[str]()
        mine, others = await post(disk), await post(disk)

        async def send_slowly(message: Message, key: str, attempt: int, stale: bool) -> Event:
            sent.append(key)
            await asyncio.sleep(FRESH_SECONDS + 1)  # it stands still in the middle of the first
            return LetterSent(letter=key)

        async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
            sent.append(key)
            return LetterSent(letter=key)

        await mine.handle(asked("1", "ada"), asked("2", "ada"))
        stalled = asyncio.create_task(Effects(mine, SteppedClock(NOON), {"post": send_slowly}).send_due())
        await asyncio.sleep(1)
        await Effects(others, SteppedClock(NOON), {"post": send}).send_due()
        await stalled
        assert sent == ["1", "1", "2"]

    Loop(1).run(play())


def test_nothing_is_looked_for_while_something_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """One result could not be recorded: what was on its way to another recipient was sent beside itself."""

    async def play() -> None:
        service, sent = await post(Disk()), list[str]()

        async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
            sent.append(key)
            await asyncio.sleep(3.0 if key == "slow" else 0.1)
            return LetterSent(letter=key)

        await service.handle(asked("quick", "ada"), asked("slow", "bob"))
        handle, failing = service.handle, [ConnectionResetError()]

        async def fails_once(*messages: Any) -> Any:
            if failing:
                raise failing.pop()
            return await handle(*messages)

        monkeypatch.setattr(service, "handle", fails_once)
        running = asyncio.create_task(Effects(service, SteppedClock(NOON), {"post": send}).run())
        await asyncio.sleep(10)
        running.cancel()
        assert sorted(sent) == ["quick", "quick", "slow"]

    Loop(1).run(play())


def test_what_is_done_at_once_costs_two_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due, and afterwards when the next one is."""

    async def play() -> None:
        service, asked_for = await post(Disk()), list[str]()

        async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
            return LetterSent(letter=key)

        def counted(name: str) -> None:
            question = getattr(SimulatedLog, name)

            async def noted(*values: Any) -> Any:
                asked_for.append(name)
                return await question(*values)

            monkeypatch.setattr(SimulatedLog, name, noted)

        running = asyncio.create_task(Effects(service, SteppedClock(NOON), {"post": send}).run())
        await asyncio.sleep(5)
        for name in ("due_effects", "next_due", "known"):
            counted(name)
        await service.handle(asked("one", "ada"))
        await asyncio.sleep(5)
        running.cancel()
        assert asked_for == ["due_effects", "next_due"]

    Loop(1).run(play())


async def lost(*_: object) -> None:
    raise OperationalError("the connection is lost")


def test_what_falls_due_is_known_though_the_question_for_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """322: the instant that a commit had noted was gone with the question, and a mail waited for ever."""

    async def play() -> None:
        disk = Disk()
        service = await post(disk)
        due = NextDue(service, "effects", "next_attempt", ["post"])
        assert await due.not_before() is None
        await service.handle(asked("one", "ada"))
        later = NextDue(await post(disk), "effects", "next_attempt", ["post"])
        for one, question in ((due, due.at), (later, later.not_before)):
            with monkeypatch.context() as broken:
                broken.setattr(SimulatedLog, "next_due", lost)
                with pytest.raises(OperationalError):
                    await question()
            assert await one.not_before() == NOON

    Loop(1).run(play())
