"""A rolling upgrade under load: a publisher whose event gains an optional field, then a listener that reads it, each
beside its older process until that is stopped; nothing is lost or doubled, and what was heard before can be read."""

import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.running import ROOT, Running, up
from tests.waiting import PATIENCE, until_true

from .beside import another, leads
from .killer import parent_of
from .ledger import OPENED, Ledger, Mails
from .load import Load, process_on

pytestmark = [
    pytest.mark.long, pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a service in /proc"),
]  # fmt: skip
CONTRACT, OPENING, VIEWS = "contracts/intake/cases.py", "services/intake/lifecycle.py", "services/notification/views.py"
CHANGES = (
    (CONTRACT, "    verified: bool = False\n", "    season: Code | None = None\n    verified: bool = False\n"),
    (OPENING, "text=text, **more,", 'text=text, season="autumn", **more,'),
    (VIEWS, '"cases": Table({', '"cases": Table({"season": "text", '),
    (VIEWS, 'Put("cases", e.case, {', 'Put("cases", e.case, {"season": e.season, '),
)
"""What the next version changes: file, text, new text."""
FEW = 5


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The next version: intake says of each case in which season it was opened, notification shows it."""
    for name in ("contracts", "services"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, before, after in CHANGES:
        text = (tmp_path / name).read_text("utf-8")
        assert before in text, name
        (tmp_path / name).write_text(text.replace(before, after, 1), "utf-8")
    return tmp_path


class Upgrade:
    """A platform of which one service after the other gets a process of the next version."""

    def __init__(self, platform: Running, later: Path, stack: ExitStack, **environment: str):
        self.platform, self._later, self._stack, self._environment = platform, later, stack, environment
        self.newer: dict[str, str] = {}

    def begin(self, service: str) -> str:
        """The address of a process of the next version, a follower."""
        process = another(self.platform, service, self._later, **self._environment)
        self.newer[service] = self._stack.enter_context(process)
        assert leads(self.newer[service], service) is False
        return self.newer[service]

    def finish(self, service: str) -> None:
        """The older process is stopped for good, with its supervisor; returns when the newer one leads."""
        port = int(self.platform.address(service).rpartition(":")[2])
        os.kill(parent_of(process_on(port)), signal.SIGTERM)
        until_true(lambda: leads(self.newer[service], service) is True, f"nobody leads {service}")
        assert not process_on(port)

    def ready(self) -> bool:
        places = {name: self.platform.address(name) for name in self.platform.services} | self.newer
        return all(
            httpx.get(f"{place}/{name}/ready", timeout=PATIENCE).status_code == 200 for name, place in places.items()
        )


def opened_rows(platform: Running, service: str) -> dict[str, bytes]:
    """Every case that was opened as it stands in the log of a service, by event id."""
    query = f"select event_id::text, state from {service}.stored_events where topic = %s"
    with psycopg.connect(platform.noted["databases"][service]) as conn:
        return {event_id: bytes(state) for event_id, state in conn.execute(query.encode(), (OPENED,)).fetchall()}


def test_services_are_upgraded_one_after_the_other_while_the_others_run(open_folder: Path, later: Path) -> None:
    data = open_folder / "upgrade"
    data.mkdir(mode=0o711)
    environment = {"VEFA_PUBLIC_PER_MINUTE": "1000000"}
    with Mails() as mails, ExitStack() as stack:
        environment["VEFA_MAIL_PORT"] = str(mails.port)
        platform = stack.enter_context(up(data, lines=data / "lines", **environment))
        upgrade = Upgrade(platform, later, stack, **environment)
        load = stack.enter_context(Load(platform.address("intake")))

        def more(spoken: bytes = b"") -> None:
            """Returns when some more cases were heard by notification, with this in their rows."""
            before = heard(spoken)
            until_true(lambda: heard(spoken) >= before + FEW, "nothing more is heard")

        def heard(spoken: bytes) -> int:
            return sum(spoken in state for state in opened_rows(platform, "notification").values())

        more()
        load.addresses.append(upgrade.begin("intake"))
        more(b"autumn")
        load.addresses.pop(0)
        upgrade.finish("intake")
        more(b"autumn")
        upgrade.begin("notification")
        more(b"autumn")
        upgrade.finish("notification")
        more(b"autumn")
        accepted = load.stop()
        until_true(lambda: platform.still("effects"), "something is still under way")
        until_true(upgrade.ready, "somebody is not ready")

        said = opened_rows(platform, "intake")
        seasons = [b'"season":"autumn"' in state for state in said.values()]
        assert any(seasons)
        assert not all(seasons)
        for listener in ("classifier", "router", "sla", "notification"):
            assert opened_rows(platform, listener) == said, "heard rows are kept as they were said"
        shown = "select count(season) from notification_views.cases"
        until_true(lambda: platform.count("notification", shown) == sum(seasons), "not shown of every case")
        assert list(Ledger.of(platform, accepted, mails).problems(crashes=1)) == []
        platform.vefa("verify")
