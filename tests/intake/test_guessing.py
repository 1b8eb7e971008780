"""Floods and guessing: forged tokens and guessed links from one address and from many, over real sockets. Each sends
another forged X-Forwarded-For with every request. There are no passwords: who signs in shows a token, and who asks how
a case stands shows the link of a mail."""

import asyncio
import os
import random
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
import uvicorn

from services.intake.app import app
from services.intake.web.routes import LINK
from shared.base.settings import Settings
from shared.core.message import Role
from shared.edge import tokens
from shared.edge.guard import Guard
from shared.edge.http import build
from shared.privacy.sealing import Links
from tests.intake.conftest import SEED, Running
from tests.scene import MONDAY

pytestmark = [pytest.mark.servers]
GUESSES = int(os.environ.get("VEFA_PROOF_GUESSES", "600"))
ADDRESSES = max(50, GUESSES // 20)
"""10,000 guesses come from 500."""
LIMIT = 120 if GUESSES >= 10_000 else 40
"""A minute."""
SLACK = 1.5
"""Of the refill: the time is taken around the play."""
UNKNOWN = "01900000-0000-7000-8000-0000deadbeef"


@dataclass
class Door:
    """intake on a socket, and who knocks."""

    url: str
    intake: Running
    dice: random.Random

    def forged(self) -> dict[str, str]:
        address = f"198.51.{self.dice.randrange(256)}.{self.dice.randrange(256)}"
        return {"X-Forwarded-For": address, "Forwarded": f"for={address}", "X-Real-IP": address}

    async def sign_in(self, http: httpx.AsyncClient, name: str) -> httpx.Response:
        """With a token that somebody else signed."""
        token = tokens.create(self.dice.randbytes(32), Role("agent"), name)
        return await http.get(f"{self.url}/v1/cases", headers=self.forged() | {"Authorization": f"Bearer {token}"})

    async def status(self, http: httpx.AsyncClient, case: str, contact: str = "0" * 32) -> httpx.Response:
        """With a link that has the right form, under a key that is not ours."""
        guess = Links(self.dice.randbytes(32)).sign(LINK, f"{case}~{contact}", MONDAY + timedelta(days=30))
        return await self.answer(http, case, guess)

    async def answer(self, http: httpx.AsyncClient, case: str, link: str) -> httpx.Response:
        body = {"token": link, "solved": True}
        return await http.post(f"{self.url}/v1/cases/{case}/confirm", json=body, headers=self.forged())

    async def page(self, http: httpx.AsyncClient, case: str) -> httpx.Response:
        guess = Links(self.dice.randbytes(32)).sign(LINK, f"{case}~{'0' * 32}", MONDAY + timedelta(days=30))
        return await http.get(f"{self.url}/v1/cases/confirm/{guess}", headers=self.forged())


@asynccontextmanager
async def door(intake: Running, per_minute: int = LIMIT, proxies: str = "") -> AsyncIterator[Door]:
    was = intake.edge.settings
    settings = Settings(
        database_url=was.database_url, nats_url="", secrets=was.secrets, public_per_minute=per_minute,
        trusted_proxies=proxies,
    )  # fmt: skip
    edge = replace(intake.edge, settings=settings)
    served = build("intake", app.api, edge, tokens.public_key(SEED))
    server = uvicorn.Server(
        uvicorn.Config(served, log_level="warning", access_log=False, lifespan="off", ws="none", proxy_headers=False)
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listening:
        # as uvloop does, on which services run: otherwise each answer waits 40 ms, which hides what takes longer
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield Door(f"http://127.0.0.1:{listening.getsockname()[1]}", intake, random.Random(17))
        finally:
            server.should_exit = True
            await serving


def at(address: int) -> httpx.AsyncClient:
    """A caller whose own address is one of ours, 127.1.x.y."""
    transport = httpx.AsyncHTTPTransport(local_address=f"127.1.{address // 250}.{address % 250 + 1}")
    return httpx.AsyncClient(transport=transport, timeout=60)


async def flood(guess: Callable[..., object], addresses: int, guesses: int) -> tuple[list[httpx.Response], float]:
    """So many guesses from so many addresses in turn, and the most that could have been refilled meanwhile."""
    began, found = time.monotonic(), list[httpx.Response]()

    async def caller(address: int) -> None:
        async with at(address) as http:
            for number in range(address, guesses, addresses):
                answer = await guess(http, number)  # type: ignore[misc]
                assert isinstance(answer, httpx.Response)
                found.append(answer)

    for some in range(0, addresses, 20):
        await asyncio.gather(*(caller(one) for one in range(some, min(some + 20, addresses))))
    assert len(found) == guesses
    return found, SLACK * (time.monotonic() - began) * LIMIT / 60 + 1


def taken(answers: Sequence[httpx.Response], status: int) -> int:
    """How many were answered; the others were told when to come again, in the form of every refusal."""
    late = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} <= {status, 429}
    assert all(int(answer.headers["retry-after"]) > 0 and answer.json()["remedy"] for answer in late)
    return len(answers) - len(late)


@pytest.mark.long
async def test_one_address_is_answered_as_often_as_the_limit_says(
    intake: Running, record_property: Callable[[str, object], None]
) -> None:
    case, half = (await intake.opened())["case"], GUESSES // 4
    async with door(intake) as at_door:
        logins, refilled = await flood(lambda http, n: at_door.sign_in(http, f"agent{n}"), 1, half)
        assert taken(logins, 401) <= LIMIT + refilled
        checks, refilled = await flood(lambda http, n: at_door.status(http, f"{case[:-3]}{n:03}"), 1, half)
        assert taken(checks, 410) <= LIMIT + refilled
        async with at(1) as other:
            assert (await at_door.sign_in(other, "a")).status_code == 401
            assert (await at_door.status(other, case)).status_code == 410
    figures = f"one address: {taken(logins, 401)} of {half} logins and {taken(checks, 410)} of {half} checks answered"
    record_property("figures", f"{figures}, limit {LIMIT}")


async def test_many_addresses_that_guess_at_one_account_are_one_flood_and_the_owner_comes_in(
    intake: Running, record_property: Callable[[str, object], None]
) -> None:
    opened, quarter = await intake.opened(), GUESSES // 4
    case = opened["case"]
    async with door(intake) as at_door, at(9999) as owner:
        logins, refilled = await flood(lambda http, _: at_door.sign_in(http, "lead"), ADDRESSES, quarter)
        assert taken(logins, 401) <= LIMIT + refilled
        right = {"Authorization": f"Bearer {tokens.create(SEED, Role('agent'), 'lead')}"}
        assert (await owner.get(f"{at_door.url}/v1/cases", headers=right)).status_code == 200
        assert (await at_door.sign_in(owner, "another")).status_code == 401

        checks, refilled = await flood(lambda http, _: at_door.status(http, case), ADDRESSES, quarter)
        assert taken(checks, 410) <= LIMIT + refilled
        contact = (await intake.case(case))["contact"]
        link = intake.edge.links.sign(LINK, f"{case}~{contact}", MONDAY + timedelta(days=30))
        assert (await at_door.answer(owner, case, link)).status_code in (200, 409)  # it is not resolved yet
        # while that was asked, some of the limit was refilled: not as much as is asked for now
        async with at(9998) as other:
            assert 429 in {(await at_door.status(other, case)).status_code for _ in range(LIMIT)}
        assert (await at_door.status(owner, UNKNOWN)).status_code == 410
        pages, _ = await flood(lambda http, _: at_door.page(http, UNKNOWN), 20, LIMIT * 2)
        assert sum(answer.status_code == 410 for answer in pages) < LIMIT * 2
    figures = f"{ADDRESSES} addresses: {taken(logins, 401)} of {quarter} logins of one name"
    record_property("figures", f"{figures} and {taken(checks, 410)} of {quarter} checks of one case answered")


@pytest.mark.long
async def test_control_without_the_protections_all_are_answered(
    intake: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guard, "missed", lambda *_: None)
    case, few = (await intake.opened())["case"], LIMIT * 3
    async with door(intake, proxies="127.0.0.0/8") as at_door:  # whatever anybody writes is believed
        for addresses in (1, 50):
            logins, refilled = await flood(lambda http, _: at_door.sign_in(http, "lead"), addresses, few)
            assert taken(logins, 401) == few > LIMIT + refilled
            checks, refilled = await flood(lambda http, _: at_door.status(http, case), addresses, few)
            assert taken(checks, 410) == few > LIMIT + refilled


def shape(answer: httpx.Response) -> tuple[object, ...]:
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "content-length")}
    return answer.status_code, headers, answer.text


@pytest.mark.long
async def test_nobody_learns_what_is_there(intake: Running) -> None:
    opened = await intake.opened()
    own = (await intake.opened(contact={"kind": "mail", "address": "bob@example.com"}))["customer"]
    token = tokens.create(SEED, Role("customer"), own)
    number, year = opened["number"], opened["number"][:6]
    contact = (await intake.case(opened["case"]))["contact"]
    async with door(intake, per_minute=1_000_000) as at_door, at(1) as http:

        def read(case: str) -> object:
            headers = {"Authorization": f"Bearer {token}"}
            return http.get(f"{at_door.url}/v1/cases/{case}", headers=headers)

        pairs: list[tuple[Callable[[str], object], str, str]] = [
            (lambda name: at_door.sign_in(http, name), "a1", "zz"),
            (lambda case: at_door.status(http, case, contact), opened["case"], UNKNOWN),
            (lambda case: at_door.status(http, case, contact), number, f"{year}-999999"),
            (lambda case: at_door.page(http, case), opened["case"], UNKNOWN),
            (read, opened["case"], UNKNOWN),
            (read, number, f"{year}-999999"),
        ]
        for ask, known, unknown in pairs:
            times: dict[str, list[float]] = {known: [], unknown: []}
            seen = set[str]()
            for turn in range(120):
                for name in (known, unknown) if turn % 2 else (unknown, known):
                    began = time.perf_counter()
                    answer = await ask(name)  # type: ignore[misc]
                    times[name].append(time.perf_counter() - began)
                    assert isinstance(answer, httpx.Response)
                    seen.add(str(shape(answer)))
            assert len(seen) == 1, (known, unknown, seen)
            # the tenth that nothing else on the machine disturbed
            there, not_there = (statistics.quantiles(times[name], n=10)[0] for name in (known, unknown))
            assert abs(there - not_there) < max(0.003, 0.4 * min(there, not_there)), (known, there, not_there)
