"""kill -9 of everything that a platform consists of, again and again while complaints come in: each that was accepted
is one case, classified, queued, timed and acknowledged, once."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import Running, up
from tests.sizes import sized
from tests.waiting import until_true

from .killer import Killer
from .ledger import OPENED, Ledger, Mails
from .load import Load

SECONDS = sized(60, 12, "VEFA_SOAK_SECONDS")
SEED = int(os.environ.get("VEFA_SOAK_SEED", "7"))
PAUSES = (1.0, 4.0)
"""Seconds between two kills."""
DRAINED_SECONDS = 60.0
TAKES_MAILS_ALONG = ("notification", "postgres", "backend")
"""Whose death may come between a mail and the record of it."""
pytestmark = [
    pytest.mark.servers, pytest.mark.timeout(SECONDS + 900),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a platform in /proc"),
]  # fmt: skip


@dataclass
class Played:
    """What came of it; ``drained``: seconds from the last kill until nothing was under way any more."""

    platform: Running
    ledger: Ledger
    killed: Counter[str]
    drained: float

    @property
    def figures(self) -> str:
        return (
            f"{len(self.ledger.accepted)} cases, {self.killed.total()} kills {dict(self.killed)}, drained"
            f" {self.drained:.1f} s after the last, {self.ledger.mailed_again} mails sent again"
        )

    @property
    def crashes(self) -> int:
        return sum(self.killed[name] for name in TAKES_MAILS_ALONG)


@pytest.fixture(scope="module")
def played(open_folder: Path) -> Iterator[Played]:
    folder = open_folder / "all-killed"
    folder.mkdir(mode=0o711)
    lines = folder / "lines"
    with (
        Mails() as mails,
        up(folder, lines=lines, VEFA_MAIL_PORT=str(mails.port), VEFA_PUBLIC_PER_MINUTE="1000000") as platform,
    ):
        with Load(platform.address("intake")) as load:
            killer = Killer(platform, SEED)
            last = killer.during(SECONDS, PAUSES)
            accepted = load.stop()
        drain(platform, last)
        took = time.monotonic() - last
        ledger = Ledger.of(platform, accepted, mails)
        play = Played(platform, ledger, killer.killed, took)
        print(play.figures)
        yield play


def drain(platform: Running, last: float) -> None:
    """Returns once everybody has heard, published and sent everything."""
    while not platform.still("effects"):
        assert time.monotonic() < last + 2 * DRAINED_SECONDS, platform.vefa("lag")
        time.sleep(0.2)


def test_nothing_accepted_is_lost_and_nothing_is_done_twice(
    played: Played, record_property: Callable[[str, object], None]
) -> None:
    record_property("figures", played.figures)
    assert len(played.ledger.accepted) > SECONDS
    assert list(played.ledger.problems(played.crashes)) == []
    played.platform.vefa("verify")


def test_everything_is_drained_within_the_promised_time_and_all_is_well(played: Played) -> None:
    assert played.drained <= DRAINED_SECONDS
    until_true(played.platform.ready, "somebody is not ready")
    played.platform.vefa("doctor")


def lose_a_row(ledger: Ledger) -> str:
    ledger.logs["sla"].remove(next(row for row in ledger.logs["sla"] if row.topic == OPENED))
    return "an event of others at sla"


def decide_twice(ledger: Ledger) -> str:
    rows = ledger.logs["router"]
    rows.append(next(row for row in rows if row.topic == "router.case-queued.v1"))
    return "router.case-queued.v1"


def open_another_case(ledger: Ledger) -> str:
    ledger.accepted.pop()
    return OPENED


def disarm(ledger: Ledger) -> str:
    ledger.armed[ledger.accepted[0]] -= 1
    return "a deadline armed"


def lose_a_mail(ledger: Ledger) -> str:
    ledger.mails.popitem()
    return "a Message-ID of a notice"


def mail_under_another_id(ledger: Ledger) -> str:
    ledger.mails["another." + next(iter(ledger.mails)).strip("<>").rpartition(".")[2]] = 1
    return "a Message-ID of a notice"


def mail_too_often(ledger: Ledger) -> str:
    ledger.mails[next(iter(ledger.mails))] += 100
    return "was mailed"


@pytest.mark.parametrize(
    "fault",
    [lose_a_row, decide_twice, open_another_case, disarm, lose_a_mail, mail_under_another_id, mail_too_often],
)
def test_control_one_thing_lost_or_doubled_is_seen(played: Played, fault: Callable[[Ledger], str]) -> None:
    ledger = deepcopy(played.ledger)
    what = fault(ledger)
    assert any(what in problem for problem in ledger.problems(min(played.crashes, 50)))
