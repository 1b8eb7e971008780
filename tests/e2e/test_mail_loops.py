"""No mail loop (promise: at most one automatic mail for each thread and day, five for each address): machines answer
whatever we send them for 24 hours of stepped time, and what they wrote is still where somebody sees it."""

import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest

from deploy.vefa.demo.stage import Stage
from deploy.vefa.local.mail_sink import MailSink
from shared.core.message import Role
from shared.edge.tokens import create
from tests.running import Running, up
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.long, pytest.mark.servers]
START = datetime(2026, 10, 26, 6, tzinfo=UTC)
OURS = "servis@vefa.example"
Answer = Callable[["Robot", EmailMessage], EmailMessage | None]


@dataclass
class Robot:
    """A machine with an address, what it answers a mail of ours with, and the mails that it got."""

    name: str
    answers: Answer
    null_sender: bool = False
    got: list[EmailMessage] = field(default_factory=list)
    wrote: int = 0

    @property
    def address(self) -> str:
        return f"{self.name}@robots.example"

    def mail(self, text: str, subject: str, **headers: str) -> EmailMessage:
        mail, self.wrote = EmailMessage(), self.wrote + 1
        mail["From"], mail["To"], mail["Subject"] = self.address, OURS, subject
        mail["Message-ID"] = f"<{self.name}.{self.wrote}@robots.example>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        return mail


def threaded(robot: Robot, got: EmailMessage, text: str, **headers: str) -> EmailMessage:
    back = robot.mail(text, f"Re: {got['Subject']}", In_Reply_To=str(got["Message-ID"]), **headers)
    del back["To"]
    back["To"] = parseaddr(str(got["Reply-To"] or got["From"]))[1]
    return back


def vacation(robot: Robot, got: EmailMessage) -> EmailMessage:
    return threaded(robot, got, f"Tatildeyim. {len(robot.got)}", Auto_Submitted="auto-replied")


def unmarked(robot: Robot, got: EmailMessage) -> EmailMessage:
    return threaded(robot, got, f"Ofis dışındayım, {len(robot.got)}. iletiniz alındı.")


def unthreaded(robot: Robot, got: EmailMessage) -> EmailMessage:
    return robot.mail(f"I am away, message {len(robot.got)}.", f"Away {len(robot.got)}")


def helpdesk(robot: Robot, got: EmailMessage) -> EmailMessage:
    return robot.mail(f"Ticket {len(robot.got)} received.", f"[Ticket {len(robot.got)}] {got['Subject']}")


def returned(robot: Robot, got: EmailMessage) -> EmailMessage:
    return threaded(robot, got, f"Undelivered. {len(robot.got)}", Return_Path="<>")


def like_ours(robot: Robot, got: EmailMessage) -> EmailMessage:
    marks = {"Auto_Submitted": "auto-generated", "X_Auto_Response_Suppress": "All"}
    return robot.mail(f"Başvurunuzu aldık: V-2026-{len(robot.got):06}", f"Başvurunuzu aldık {len(robot.got)}", **marks)


def digest(robot: Robot, got: EmailMessage) -> EmailMessage:
    return robot.mail(f"Digest {len(robot.got)}", f"Digest {len(robot.got)}", Precedence="list", List_Id="<l.example>")


ROBOTS: tuple[tuple[str, Answer, bool], ...] = (
    ("vacation", vacation, False), ("unmarked", unmarked, False), ("unthreaded", unthreaded, False),
    ("helpdesk", helpdesk, False), ("returned", returned, True), ("likeours", like_ours, False),
    ("digest", digest, False),
)  # fmt: skip


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(scope="module")
def platform(open_folder: Path, sink: MailSink) -> Iterator[Running]:
    environment = {
        "VEFA_CLOCK": "stepped", "VEFA_CLOCK_START": START.isoformat(), "VEFA_MAIL_HOST": "127.0.0.1",
        "VEFA_MAIL_PORT": str(sink.port), "VEFA_MAIL_FROM": OURS,
    }  # fmt: skip
    with up(open_folder / "loops", **environment) as running:
        yield running


def send(running: Running, mail: EmailMessage, sender: str) -> None:
    host, _, port = running.noted["services"]["intake"]["smtp"].removeprefix("smtp://").rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=PATIENCE) as client:
        client.sendmail(sender, [str(mail["To"])], mail.as_bytes())


def is_automatic(mail: EmailMessage) -> bool:
    return str(mail["Auto-Submitted"] or "no") != "no"


async def test_machines_that_answer_each_other_come_to_an_end(platform: Running, sink: MailSink) -> None:
    robots = {robot.address: robot for robot in (Robot(*each) for each in ROBOTS)}
    seed = (platform.data / "secrets" / "token.key").read_bytes()
    addresses = platform.noted["services"]
    async with Stage(addresses, platform.noted["nats"], lambda r, n: create(seed, Role(r), n), START) as stage:
        for robot in robots.values():
            send(
                platform, robot.mail("Kargom beş gündür gelmedi, bakar mısınız?", f"Kargo {robot.name}"), robot.address
            )
        sent = len(robots)
        now = START
        while now < START + timedelta(hours=24):
            now += timedelta(minutes=30)
            await stage.step(now)
            for mail in sink.take():
                if (robot := robots.get(parseaddr(str(mail["To"]))[1])) is None:
                    continue
                robot.got.append(mail)
                if (back := robot.answers(robot, mail)) is not None:
                    send(platform, back, "" if robot.null_sender else robot.address)
                    sent += 1
            await stage.quiet()
        kept = await stage.call("intake", "GET", "/v1/volume?since=2026-10-26", role="supervisor", name="lead")
    automatic = {name: [m for m in robot.got if is_automatic(m)] for name, robot in robots.items()}
    assert {name: len(mails) for name, mails in automatic.items() if len(mails) > 5} == {}
    threads = [(name, str(mail["Reply-To"])) for name, mails in automatic.items() for mail in mails]
    assert {thread: threads.count(thread) for thread in threads if threads.count(thread) > 1} == {}
    assert any(automatic.values()), "nothing was acknowledged: the test would see no loop"
    seen = sum(day["received"] + day["opened"] + (day.get("set_aside") or 0) for day in kept)
    assert seen >= sent
