"""An erasure is real: of half of the customers nothing can be read any more, neither by those who ask nor in any file
of the database, of NATS, of a dump or of a log, and their keys are nowhere; the others are as they were."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import nats
import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.running import Running, up
from tests.sizes import sized
from tests.waiting import PATIENCE, until_true

from .customers import PLACES, WORD, Customer, admin, dumped, found

pytestmark = [pytest.mark.servers]
CUSTOMERS = sized(20, 4, "VEFA_PROOF_SIZE")
PLAIN = "zqvefaplainword"
"""Written in plain on purpose, to see that it would be found."""
CONTENTS = {"file", "mailfile", "asidefile"}
ELSEWHERE = {"name"} | CONTENTS
"""What an agent's page has not: the name before the newest one, what is in files."""


@dataclass
class Stored:
    """A key of a contact point as it was before the erasure: its id, wrapped as the vault had it, and itself."""

    key_id: bytes
    wrapped: bytes
    secret: bytes


@dataclass
class Course:
    platform: Running
    gone: list[Customer]
    kept: list[Customer]
    keys: list[Stored]
    """Of the erased customers."""
    master: bytes
    """The master key before the erasures."""


@pytest.fixture(scope="module")
def course(open_folder: Path) -> Iterator[Course]:
    folder = open_folder / "erasure"
    folder.mkdir(mode=0o711)
    with (
        up(folder, lines=folder / "services.log", VEFA_PUBLIC_PER_MINUTE="1000000") as platform,
        httpx.Client(timeout=PATIENCE) as client,
    ):
        everybody = [Customer(number, platform, client) for number in range(CUSTOMERS)]
        for step in (Customer.complains, Customer.goes_on, Customer.mails, Customer.answers_by_machine):
            for customer in everybody:
                step(customer)
        platform.settled()
        gone, kept = everybody[::2], everybody[1::2]
        master = (folder / "secrets" / "master.key").read_bytes()
        keys = keys_of(platform, gone, master)
        dumped(platform, folder / "before.dump")
        for customer in gone:
            customer.says("POST", f"/v1/customers/{customer.customer}/erase", {"regime": "kvkk"})
        erased = "select count(*) from intake_views.customers where erased_at is not null and not rotation_outstanding"
        until_true(lambda: platform.count("intake", erased) == len(gone), "not everybody was erased")
        platform.settled()
        dumped(platform, folder / "after.dump")
        yield Course(platform, gone, kept, keys, master)


def keys_of(platform: Running, customers: list[Customer], master: bytes) -> list[Stored]:
    query = (
        "select k.key_id, k.wrapped from vault.keys k join intake_views.contacts c on c.key = k.subject"
        " where c.customer = any(%s)"
    )
    with psycopg.connect(admin(platform)) as conn:
        rows = conn.execute(query, ([customer.customer for customer in customers],)).fetchall()
    stored = [(key_id.bytes, bytes(wrapped)) for key_id, wrapped in rows]
    return [Stored(i, w, AESGCM(master).decrypt(i[:12], w, i)) for i, w in stored]


def test_who_asks_reads_all_of_the_others_and_nothing_of_the_erased(course: Course) -> None:
    for customer in course.kept:
        said = customer.read_back()
        assert {place for place in PLACES if customer.mark(place)[:40] not in said} <= ELSEWHERE
    exported = course.platform.vefa("export", course.kept[0].customer)
    assert {place for place in PLACES if course.kept[0].mark(place)[:40] not in exported} <= CONTENTS
    for customer in course.gone:
        assert WORD not in customer.read_back()
    assert WORD not in course.platform.vefa("export", course.gone[0].customer)


def test_no_file_holds_a_word_of_anybody(course: Course, record_property: Callable[[str, object], None]) -> None:
    record_property("figures", f"{len(course.gone)} of {CUSTOMERS} customers erased, {len(course.keys)} keys sought")
    assert found(course.platform.data, [WORD.encode()]) == set()


def test_control_a_word_in_plain_is_found_in_every_kind_of_file(course: Course) -> None:
    platform, folder = course.platform, course.platform.data
    with psycopg.connect(admin(platform), autocommit=True) as conn:
        conn.execute("create table intake_views.plain as select %s::text as word", (f"of a table: {PLAIN}",))
    asyncio.run(publish(platform))
    log = folder / "services.log"
    until_true(lambda: PLAIN.encode() in log.read_bytes(), "who hears what is no event of ours logs its subject")
    dumped(platform, folder / "plain.dump")
    kinds = {path.relative_to(folder).parts[:3] for path in found(folder, [PLAIN.encode()])}
    assert ("services.log",) in kinds
    assert ("plain.dump",) in kinds
    assert {("postgres", "data", "base"), ("postgres", "data", "pg_wal")} <= kinds
    assert any(kind[:2] == ("nats", "jetstream") for kind in kinds)


async def publish(platform: Running) -> None:
    """A message of the stream with the word in its subject and in its content."""
    client = await nats.connect(platform.noted["nats"])
    await client.jetstream().publish(f"vefa.event.intake.{PLAIN}.v1", PLAIN.encode())
    await client.close()


def test_the_keys_of_the_erased_are_nowhere(course: Course) -> None:
    assert len(course.keys) >= len(course.gone)
    assert found(course.platform.data, [key.secret for key in course.keys]) == set()
    assert found(course.platform.data, [course.master]) == set()


def test_what_is_found_of_them_wrapped_cannot_be_opened(course: Course) -> None:
    """Files of the database and the dump from before still hold them under a master key that is gone."""
    folder = course.platform.data
    assert found(folder, [key.wrapped for key in course.keys]), "a search that finds nothing here is blind"
    secrets = [path.read_bytes() for path in (folder / "secrets").iterdir()]
    for key in course.keys:
        AESGCM(course.master).decrypt(key.key_id[:12], key.wrapped, key.key_id)
        for secret in (one for one in secrets if len(one) == 32):
            with pytest.raises(InvalidTag):
                AESGCM(secret).decrypt(key.key_id[:12], key.wrapped, key.key_id)
