"""Who may do what on a running platform: each cell of ``docs/roles.md`` is played; and a case goes by its number."""

import re
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.core.message import Role
from shared.edge import tokens
from tests.access import COLUMNS, EVERY, NOBODY, Row, rows_of_page
from tests.running import Running, up
from tests.waiting import PATIENCE, until_true

pytestmark = [pytest.mark.servers]
UNKNOWN = "01900000-0000-7000-8000-000000000000"
MAILS = ("ayse@example.com", "mehmet@example.com")
ROWS = [pytest.param(row, id=row.route.replace("/", "-")) for row in rows_of_page()]


@dataclass(frozen=True)
class Person:
    """A customer with a case and an account."""

    mail: str
    case: str
    number: str
    customer: str
    member: str
    mailed: tuple[str, str, str, str] = (UNKNOWN, "V-2019-000777", UNKNOWN, "none")
    """Of a mail with a file: its case, the number of that, the message, the digest of the file."""

    def ids(self, path: str) -> dict[str, str]:
        case, _, message, digest = self.mailed
        case = case if "{message}" in path else self.case
        return {"case": case, "customer": self.customer, "member": self.member, "message": message, "digest": digest}


@dataclass(frozen=True)
class Desk:
    """A running platform, two customers on it, and whoever calls."""

    platform: Running
    seed: bytes
    http: httpx.Client
    own: Person
    foreign: Person

    def call(
        self, caller: str, service: str, method: str, path: str, body: Any = None, name: str = "s1", **more: Any
    ) -> httpx.Response:
        headers = (
            {} if caller == NOBODY else {"Authorization": f"Bearer {tokens.create(self.seed, Role(caller), name)}"}
        )
        headers |= more.pop("headers", {})
        url = self.platform.address(service) + path
        return self.http.request(method, url, json=body, headers=headers, **more)

    def services(self, row: Row) -> list[str]:
        return self.platform.services if row.service == EVERY else [row.service]


BODIES: dict[str, Any] = {
    "POST /v1/cases/{case}/messages": {"text": "Bir sorum daha var."},
    "POST /v1/cases/{case}/confirm": {"solved": True},
    "POST /v1/customers/{customer}/consent": {"channel": "email", "given": True},
    "POST /v1/members": {"address": "{mail}"},
    "POST /v1/members/{member}/spends": {"amount": 1, "what": "discount"},
    "PUT /v1/agents/{agent}/status": {"status": "away"},
}
"""Where what is asked must be whole before it is looked at whose it is."""
QUERIES = {"GET /v1/scores": {"kind": "csat"}}
GONE = {403, 404, 410}


@pytest.fixture(scope="module")
def desk(open_folder: Path) -> Iterator[Desk]:
    running = up(open_folder / "access", VEFA_PUBLIC_PER_MINUTE="1000000")
    with running as platform, httpx.Client(timeout=PATIENCE) as http:
        seed = (platform.data / "secrets" / "token.key").read_bytes()
        empty = Person("", "", "", "", "")
        first = Desk(platform, seed, http, empty, empty)
        agent = {"name": "Ece", "mail": "ece@example.com", "capacity": 10, "languages": ["tr"]}
        assert first.call("admin", "router", "PUT", "/v1/agents/s1", agent).is_success
        yield Desk(platform, seed, http, person(first, MAILS[0]), person(first, MAILS[1]))


def person(desk: Desk, mail: str) -> Person:
    concern = {"contact": {"kind": "mail", "address": mail}, "text": "Kargom gelmedi.", "channel": "phone"}
    opened = desk.call("service", "intake", "POST", "/v1/cases", concern).json()
    joined: list[str] = []

    def join() -> bool:
        answer = desk.call("service", "loyalty", "POST", "/v1/members", {"address": mail})
        joined.extend([answer.json()["member"]] if answer.is_success else [])
        return bool(joined)

    until_true(join, "loyalty does not know the customer")
    desk.platform.settled()
    return Person(mail, opened["case"], opened["number"], opened["customer"], joined[0], mailed(desk, mail))


def mailed(desk: Desk, mail: str) -> tuple[str, str, str, str]:
    """A mail with a file from this address, as it is found over HTTP."""
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = mail, "Kutu", f"<kutu.{mail}>"
    message.set_content("Kutunun fotoğrafı ektedir.")
    message.add_attachment(b"\x89PNG\r\n", maintype="image", subtype="png", filename="kutu.png")
    host, _, port = desk.platform.noted["services"]["intake"]["smtp"].removeprefix("smtp://").rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=PATIENCE) as client:
        client.sendmail(mail, ["servis@vefa.example"], message.as_bytes())
    [row] = desk.call("supervisor", "intake", "GET", "/v1/cases?channel=email&limit=1").json()["cases"]
    [one] = desk.call("supervisor", "intake", "GET", f"/v1/cases/{row['case']}").json()["messages"]
    return row["case"], row["number"], one["message"], one["attachments"][0]["digest"]


def said(template: str, ids: dict[str, str]) -> str:
    """The path with these ids; what they do not name is unknown."""
    return re.sub(r"{(\w+)(:path)?}", lambda found: ids.get(found[1], "none"), template)


def body_of(row: Row, whose: Person) -> Any:
    body = BODIES.get(row.route, None if row.method == "GET" else {})
    return {n: v.replace("{mail}", whose.mail) if isinstance(v, str) else v for n, v in body.items()} if body else body


@pytest.mark.parametrize("row", ROWS)
def test_each_cell_is_as_the_page_says(desk: Desk, row: Row) -> None:
    for service in desk.services(row):
        for caller in COLUMNS:
            play(desk, row, service, caller)


def play(desk: Desk, row: Row, service: str, caller: str) -> None:
    ids = {"service": service, "name": "none", "head": "topic", "version": "999", "agent": "s1"}
    where, cell, query = said(row.path, ids), row.cells[caller], QUERIES.get(row.route, {})
    told = (row.route, caller, cell)
    if cell == "own":
        answers = [
            desk.call(
                caller, service, row.method, said(row.path, ids | whose.ids(row.path)), body_of(row, whose),
                name=desk.own.customer,
            )
            for whose in (desk.own, desk.foreign, Person("nobody@example.com", *[UNKNOWN] * 4))
        ]  # fmt: skip
        if "{" not in row.path and row.method == "GET":
            assert desk.foreign.case not in answers[0].text, told
            assert desk.own.case in answers[0].text, told
            return
        assert answers[0].status_code not in {401, *GONE}, (told, answers[0].text)
        assert answers[1].status_code in GONE, (told, answers[1].text)
        assert answers[1].json()["type"] == answers[2].json()["type"], told  # no telling whether there is one
        return
    answer = desk.call(caller, service, row.method, where, body_of(row, desk.own), params=query)
    if cell == "no":
        assert answer.status_code == (401 if caller == NOBODY else 403), (told, answer.text)
    elif cell == "link":
        assert answer.status_code in {*GONE, 422}, (told, answer.text)
        assert answer.status_code != 403 or row.route == "POST /v1/cases/{case}/confirm", told
    else:
        assert answer.status_code not in (401, 403), (told, answer.text)
        assert answer.status_code < 500, (told, answer.text)
    if cell == "self":
        other = desk.call(caller, service, row.method, said(row.path, ids | {"agent": "s2"}), body_of(row, desk.own))
        assert other.status_code == 403, told
    if cell == "part":
        agents = desk.call(caller, service, row.method, where, params={**query, "by": "agent"})
        assert agents.status_code == 403, told


# By its number -------------------------------------------------------------------------------------------------------
BY_CASE = [p for p in ROWS if "{case}" in p.values[0].path and p.values[0].method == "GET"]
ASKED = [("feedback", "/v1/surveys"), ("notification", "/v1/notices")]


@pytest.fixture(scope="module")
def still(desk: Desk) -> Desk:
    """The desk once nobody works on what was asked before: it answers twice alike."""
    until_true(lambda: desk.platform.still("effects"), "something is still under way")
    return desk


@pytest.mark.parametrize("row", BY_CASE)
def test_a_number_reads_as_the_id_does(still: Desk, row: Row) -> None:
    desk = still
    ids = desk.own.ids(row.path)
    by_id = desk.call("supervisor", row.service, "GET", said(row.path, ids))
    assert by_id.status_code == 200, by_id.text
    own = desk.own.mailed[1] if "{message}" in row.path else desk.own.number
    for number in (own, own.lower()):
        answer = desk.call("supervisor", row.service, "GET", said(row.path, ids | {"case": number}))
        assert (answer.status_code, timeless(answer)) == (200, timeless(by_id))
    unknown = desk.call("supervisor", row.service, "GET", said(row.path, ids | {"case": "V-2019-000777"}))
    assert (unknown.status_code, "V-2019-000777" in unknown.json()["detail"]) == (404, True)


@pytest.mark.parametrize(("service", "path"), ASKED)
def test_a_query_takes_a_number(still: Desk, service: str, path: str) -> None:
    desk = still
    by_id = desk.call("supervisor", service, "GET", path, params={"case": desk.own.case})
    by_number = desk.call("supervisor", service, "GET", path, params={"case": desk.own.number.lower()})
    assert (by_id.status_code, by_number.json()) == (200, by_id.json())
    unknown = desk.call("supervisor", service, "GET", path, params={"case": "V-2019-000777"})
    assert (unknown.status_code, "V-2019-000777" in unknown.text) == (404, True)


def test_every_command_about_a_case_takes_its_number(desk: Desk) -> None:
    number, other = desk.own.number.lower(), desk.foreign.number
    key = {"headers": {"Idempotency-Key": "one-note"}}
    note = {"text": "Kargo firmasını aradım."}
    first = desk.call("agent", "intake", "POST", f"/v1/cases/{number}/notes", note, **key).json()
    assert first["case"] == desk.own.case
    again = desk.call("agent", "intake", "POST", f"/v1/cases/{desk.own.case}/notes", note, **key).json()
    assert again["message"] == first["message"]
    assert desk.call("agent", "intake", "POST", f"/v1/cases/{number}/links", {"other": other}).is_success
    links = desk.call("agent", "intake", "GET", f"/v1/cases/{number}").json()["links"]
    assert [link["other"] for link in links] == [desk.foreign.case]
    assert (
        desk.call("agent", "intake", "POST", f"/v1/cases/{number}/links", {"other": "V-2019-000777"}).status_code == 404
    )
    taken = desk.call("supervisor", "router", "POST", f"/v1/cases/{number}/assign", {"agent": "s1", "reason": "x"})
    assert (taken.status_code, taken.json()["case"]) == (200, desk.own.case)
    corrected = desk.call(
        "agent", "classifier", "PUT", f"/v1/cases/{number}/classification/topic", {"value": "delivery"}
    )
    assert (corrected.status_code, corrected.json().get("case")) in ((200, desk.own.case), (422, None))
    shown = {"template": "case-received", "language": "tr", "case": number}
    assert "V-" in desk.call("supervisor", "notification", "POST", "/v1/templates/preview", shown).text


def test_a_customer_cannot_tell_another_ones_number_from_none(desk: Desk) -> None:
    answers = [
        desk.call("customer", "intake", "GET", f"/v1/cases/{number}", name=desk.own.customer)
        for number in (desk.foreign.number, "V-2019-000777")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    mine = desk.call("customer", "intake", "GET", f"/v1/cases/{desk.own.number}", name=desk.own.customer)
    assert mine.json()["case"] == desk.own.case


def timeless(answer: httpx.Response) -> Any:
    """Without what runs on while we ask."""
    return re.sub(r'"(elapsed|now|used|left|remaining|seconds|end|result)":("[^"]*"|[^,}]*)', "", answer.text)
