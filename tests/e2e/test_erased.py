"""A customer is erased at a random point of everybody's work, and so is a mail that names nobody: nothing of either can
be read any more, anywhere, and everything else, counts and hash chains too, stays as it was."""

import base64
import json
import random
import smtplib
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.running import Running, up
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.long, pytest.mark.servers]
CUSTOMERS, ERASED, STEPS = 8, 3, 4
PLACES = ("address", "name", "subject", "text", "field", "file", "message", "reply", "note")


def marker(customer: int, place: str) -> str:
    """Words that stand nowhere else: one letter case and no punctuation, so that no normalising hides them."""
    return f"zq{customer}{place}{random.Random(f'{customer} {place}').randbytes(6).hex()}"


NAMELESS = ("subject", "text", "file")
NUMBERS = (100, 101)
"""Two mails that name nobody; the first one is erased."""


@pytest.fixture(scope="module")
def nameless(people: "list[Person]", platform: Running) -> dict[int, str]:
    """The items of both, once the first one is erased; a control reads both before."""
    server = urlsplit(platform.noted["services"]["intake"]["smtp"])
    for number in NUMBERS:
        message = EmailMessage()
        message["Subject"] = marker(number, "subject")
        message.set_content(marker(number, "text"))
        message.add_attachment(marker(number, "file").encode() * 4000, "application", "octet-stream", filename="f.bin")
        with smtplib.SMTP(server.hostname or "", server.port or 0, timeout=PATIENCE) as smtp:
            smtp.sendmail("", ["servis@vefa.example"], message.as_bytes())
    found = json.loads(platform.vefa("set-aside", "--reason", "no-sender", "--json"))["items"]
    items = {number: row["item"] for number in NUMBERS for row in found if row["subject"] == marker(number, "subject")}
    assert all(read(platform, items[number], number) == set(NAMELESS) for number in NUMBERS)
    platform.vefa("set-aside", "erase", items[NUMBERS[0]], "--yes")
    platform.settled()
    return items


def read(platform: Running, item: str, number: int) -> set[str]:
    """The markers of a mail that lay aside that a person can still read, by list, by item or as it came."""
    token = {"Authorization": f"Bearer {platform.vefa('token', 'create', '--role', 'agent', '--subject', 'a1')}"}
    url = f"{platform.address('intake')}/v1/set-aside"
    answers = [httpx.get(url + path, headers=token, timeout=PATIENCE) for path in ("", f"/{item}", f"/{item}/raw")]
    parts = message_from_bytes(answers[-1].content).walk()
    files = b"".join(part.get_payload(decode=True) or b"" for part in parts if not part.is_multipart())
    words = "".join(answer.text for answer in answers) + files.decode("latin-1")
    return {place for place in NAMELESS if marker(number, place) in words}


class Person:
    """One customer's course: what they and their agents do, in order; every step leaves markers."""

    def __init__(self, number: int, platform: Running, staff: dict[str, str]):
        self.number, self._platform, self._staff = number, platform, staff
        self.case = self.customer = ""
        self.left: list[Callable[[], None]] = [self.complains, self.writes, self.is_answered, self.is_noted]
        self.erased = False

    def mark(self, place: str) -> str:
        return marker(self.number, place)

    def _says(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = httpx.post(self._platform.address("intake") + path, json=body, headers=headers, timeout=PATIENCE)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def complains(self) -> None:
        content = base64.b64encode((self.mark("file") * 4000).encode()).decode()
        opened = self._says("/v1/cases", {
            "contact": {"kind": "mail", "address": f"{self.mark('address')}@example.com"}, "name": self.mark("name"),
            "form": "order_status", "fields": {"order_number": self.mark("field")}, "subject": self.mark("subject"),
            "text": self.mark("text"), "files": [{"name": "receipt.txt", "content": content}],
        })  # fmt: skip
        self.case, self.customer = opened["case"], opened["customer"]

    def writes(self) -> None:
        self._says(f"/v1/cases/{self.case}/messages", {"text": self.mark("message")}, **self._staff)

    def is_answered(self) -> None:
        self._says(f"/v1/cases/{self.case}/replies", {"text": self.mark("reply")}, **self._staff)

    def is_noted(self) -> None:
        self._says(f"/v1/cases/{self.case}/notes", {"text": self.mark("note")}, **self._staff)


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "erased") as running:
        yield running


@pytest.fixture(scope="module")
def people(platform: Running) -> list[Person]:
    """Everybody's steps in a random order; some are erased on the way and do nothing more."""
    token = platform.vefa("token", "create", "--role", "supervisor", "--subject", "lead")
    dice = random.Random(11)
    everybody = [Person(number, platform, {"Authorization": f"Bearer {token}"}) for number in range(CUSTOMERS)]
    doomed = {person.number: dice.randint(1, STEPS) for person in everybody[:ERASED]}
    while busy := [p for p in everybody if p.left and not p.erased]:
        person = dice.choice(busy)
        person.left.pop(0)()
        if STEPS - len(person.left) == doomed.get(person.number):
            platform.vefa("erase", person.customer, "--yes")
            person.erased = True
    platform.settled()
    return everybody


def test_nothing_of_the_erased_is_told_and_all_of_the_others(people: list[Person], platform: Running) -> None:
    for person in people:
        history = platform.vefa("history", person.case, "--json")
        seen = {place for place in PLACES if person.mark(place) in history}
        if person.erased:
            assert seen == set()
        else:
            assert seen >= {"name", "subject", "text", "message", "reply", "note"}


def test_a_mail_that_names_nobody_is_erased_alone(nameless: dict[int, str], platform: Running) -> None:
    gone, kept = NUMBERS
    assert read(platform, nameless[gone], gone) == set()
    assert read(platform, nameless[kept], kept) == set(NAMELESS)
    told = platform.vefa("history", f"set-aside:{nameless[gone]}", "--json")
    assert "intake.message-erased.v1" in told
    assert not [place for place in NAMELESS if marker(gone, place) in told]


def test_a_certificate_says_when_old_copies_became_useless_and_the_master_key_can_be_exchanged_again(
    people: list[Person], platform: Running
) -> None:
    gone = next(person for person in people if person.erased)
    key = (platform.data / "secrets" / "master.key").read_bytes()
    [certificate] = [
        e["event"]
        for e in json.loads(platform.vefa("history", f"customer:{gone.customer}", "--json"))
        if e["topic"] == "intake.customer-erased.v1"
    ]
    assert certificate["rotated_at"] >= certificate["destroyed_at"]
    assert certificate["rotation_outstanding"] is False
    assert json.loads(platform.vefa("keys", "rotate", "--json"))["rotated_at"] > certificate["rotated_at"]
    assert (platform.data / "secrets" / "master.key").read_bytes() != key


def test_an_export_finds_nothing_of_the_erased(people: list[Person], platform: Running) -> None:
    for person in people:
        found = platform.vefa("export", person.customer)
        assert any(person.mark(place) in found for place in PLACES) != person.erased


def test_every_table_rebuilds_equal_and_every_chain_is_whole(
    people: list[Person], nameless: dict[int, str], platform: Running
) -> None:
    platform.vefa("verify")
    for service in platform.services:
        tables = json.loads(platform.vefa("rebuild", service, "--check", "--json"))
        assert tables
        assert all(table["equal"] for table in tables.values()), (service, tables)


@pytest.mark.parametrize(
    ("service", "policy", "lost"), [("sla", "targets", False), ("classifier", "classification", True)]
)
def test_decisions_that_read_no_text_are_taken_again(
    people: list[Person], platform: Running, service: str, policy: str, lost: bool
) -> None:
    shipped = str(Path(__file__).parents[2] / "services" / service / "policy.yaml")
    words = ("--policy", shipped, "--name", policy, "--examples", "0", "--json")
    found = json.loads(platform.vefa("what-if", service, *words))
    assert (found["differing"], found["erased"] > 0) == (0, lost)


def test_counts_stay_as_they_were(people: list[Person], platform: Running) -> None:
    assert platform.count("intake", "select count(*) from intake_views.cases") == CUSTOMERS
    clocks = 'select count(distinct "case") from sla_views.clocks'
    assert platform.count("sla", clocks) == CUSTOMERS


def test_no_table_of_any_service_shows_a_word(people: list[Person], platform: Running) -> None:
    """Sealed columns are read as their role reads them: bytes, which hold nobody's words in plain."""
    for service in platform.services:
        with psycopg.connect(platform.noted["databases"][service]) as conn:
            tables = conn.execute(
                "select schemaname, tablename from pg_tables where schemaname in (%s, %s)",
                (service, f"{service}_views"),
            ).fetchall()
            for schema, table in tables:
                text = str(conn.execute(f'select * from "{schema}"."{table}"'.encode()).fetchall())
                for person in people:
                    assert not [place for place in PLACES if person.mark(place) in text], (schema, table)


def forms(word: str) -> Iterator[bytes]:
    """A word as it might stand in a file."""
    raw = word.encode()
    yield from (raw, word.encode("utf-16-le"), raw.hex().encode(), raw.upper())
    for shift in range(3):  # the three ways in which base64 can cut it, without the ends that others share
        yield base64.b64encode(b"-" * shift + raw)[4:-4]


def test_no_file_holds_a_word_of_anybody(people: list[Person], nameless: dict[int, str], platform: Running) -> None:
    """Data files, WAL, what NATS stores, logs: texts are sealed before they reach any of them."""
    words = [p.mark(place) for p in people for place in PLACES]
    words += [marker(number, place) for number in nameless for place in NAMELESS]
    wanted = {form: word for word in words for form in forms(word)}
    control = b"intake.case-opened.v1"
    hits, seen = set[str](), 0
    for path in platform.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            seen += control in content
            hits |= {f"{wanted[form]} in {path}" for form in wanted if form in content}
    assert seen >= 2, "what is in plain must be found, or the search is blind"
    assert hits == set()


def test_who_comes_back_after_an_erasure_is_somebody_new(people: list[Person], platform: Running) -> None:
    before = next(person for person in people if person.erased)
    again = Person(before.number, platform, {})
    again.complains()
    assert again.customer != before.customer
    platform.settled()
    assert again.mark("text") in platform.vefa("history", again.case, "--json")
