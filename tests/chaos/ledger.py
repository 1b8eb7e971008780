"""What came of the cases that a platform accepted: read from all logs and from the mails that went out, and what of it
is lost or doubled."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import orjson
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.vefa.local.process import free_port
from deploy.vefa.services import app_of
from shared.runtime.effects import AT_ONCE
from tests.running import Running

OPENED = "intake.case-opened.v1"
ONCE = {
    "classifier": ("classifier.case-classified.v1", 1), "router": ("router.case-queued.v1", 1),
    "sla": ("sla.clock-started.v1", 2),
}  # fmt: skip
"""What a service says of each new case that nobody works on, and how often."""
QUEUED, SENT = "notification.notice-queued.v1", "notification.notice-sent.v1"


class Mails:
    """A mail server that counts what it was given by Message-ID."""

    def __init__(self) -> None:
        self.port, self.taken = free_port(), Counter[str]()
        self._smtp = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> "Mails":
        self._smtp.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._smtp.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken[str(message_from_bytes(envelope.original_content or b"")["Message-ID"])] += 1
        return "250 kept"


@dataclass(frozen=True)
class Row:
    """A row of a log as far as it matters here."""

    event_id: str
    topic: str
    stream: str
    said: bool
    data: dict[str, Any] = field(repr=False)


@dataclass
class Ledger:
    """The cases that clients were told of, the rows of each log, the armed deadlines of each case, and the mails."""

    accepted: list[str]
    logs: dict[str, list[Row]]
    armed: dict[str, int]
    mails: Counter[str]

    @classmethod
    def of(cls, platform: Running, accepted: list[str], mails: Mails) -> "Ledger":
        logs = {name: rows_of(platform.noted["databases"][name], name) for name in platform.services}
        with psycopg.connect(platform.noted["databases"]["sla"]) as conn:
            query = "select split_part(key, '/', 1), count(*) from sla_views.deadlines group by 1"
            armed: dict[str, int] = dict(conn.execute(query).fetchall())
        return cls(accepted, logs, armed, Counter(mails.taken))

    def said(self, service: str, topic: str) -> Counter[str]:
        """How often it said this, by stream."""
        return Counter(row.stream for row in self.logs[service] if row.said and row.topic == topic)

    def problems(self, crashes: int) -> Iterator[str]:
        """What is lost and what is doubled. A mail may come once more for each crash: one that came between sending it
        and recording that; it is the same mail then, and no more are affected than are sent at once."""
        cases = set(self.accepted)
        yield from differs("a case accepted", Counter(self.accepted), cases, 1)
        yield from differs(OPENED, self.said("intake", OPENED), {f"case:{case}" for case in cases}, 1)
        for service, (topic, times) in ONCE.items():
            yield from differs(topic, self.said(service, topic), {f"case:{case}" for case in cases}, times)
        yield from differs("a deadline armed", Counter(self.armed), cases, 2)
        for service in self.logs:
            yield from self._unheard(service)
        yield from self._mails(cases, crashes)

    def _unheard(self, service: str) -> Iterator[str]:
        """Everything that others say and this one listens to is in its log once."""
        heard = Counter(row.event_id for row in self.logs[service])
        topics = set(app_of(service).topics())
        told = {
            row.event_id
            for source, log in self.logs.items()
            for row in log
            if row.said and (source, row.topic) in topics
        }
        yield from differs(f"an event of others at {service}", Counter({i: heard[i] for i in told}), told, 1)
        yield from differs(f"an event at {service}", heard, set(heard), 1)
        yield from (
            f"{service} parked something" for row in self.logs[service] if row.topic == "kernel.event-parked.v1"
        )

    def _mails(self, cases: set[str], crashes: int) -> Iterator[str]:
        rows = [row for row in self.logs["notification"] if row.said]
        notices = {row.data["notice"]: row.data["case"] for row in rows if row.topic == QUEUED}
        yield from differs("an acknowledgement queued", Counter(notices.values()), cases, 1)
        sent = Counter(row.data["notice"] for row in rows if row.topic == SENT)
        yield from differs("an acknowledgement sent", sent, set(notices), 1)
        ids = Counter(message_id.strip("<>").partition("@")[0].rpartition(".")[2] for message_id in self.mails)
        yield from differs("a Message-ID of a notice", ids, set(notices), 1)
        yield from (f"{one} was mailed {t} times" for one, t in self.mails.items() if t > 1 + crashes)
        if self.mailed_again > AT_ONCE * crashes:
            yield f"{self.mailed_again} mails were sent again for {crashes} crashes"

    @property
    def mailed_again(self) -> int:
        """How many mails came more often than once."""
        return sum(times - 1 for times in self.mails.values())


def rows_of(database: str, service: str) -> list[Row]:
    query = f"select event_id, topic, originator_id, said, state from {service}.stored_events order by notification_id"
    with psycopg.connect(database) as conn:
        rows = conn.execute(query.encode()).fetchall()
    return [Row(str(i), topic, stream, said, orjson.loads(state)) for i, topic, stream, said, state in rows]


def differs(what: str, counted: Counter[str], wanted: set[str], times: int) -> Iterator[str]:
    """Each of ``wanted`` is there so often, and nothing else is."""
    for key in sorted(wanted | counted.keys()):
        if counted[key] != (expected := times if key in wanted else 0):
            yield f"{what}: {key} {counted[key]} times instead of {expected}"
