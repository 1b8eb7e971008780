"""Alerts and dashboard name only figures that a service really exports, and every alert says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.intake.setaside import FIGURES
from shared.bus.bus import Bus
from shared.bus.jetstream import broker_of
from shared.bus.transport import NatsTransport
from shared.host.telemetry import metrics
from shared.runtime.clock import SystemClock
from tests.conftest import FreshNats
from tests.running import ROOT
from tests.shared.conftest import Make, pool, start, vault

pytestmark = pytest.mark.servers
__all__ = ["pool", "start", "vault"]  # fixtures
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
PANELS = json.loads((ROOT / "deploy/grafana/vefa.json").read_text("utf-8"))["panels"]
FIGURE = re.compile(r"\b(?:vefa|process)_\w+")


def asked() -> dict[str, str]:
    """Where a figure is asked for -> the expression."""
    panels = {f"panel {p['title']}": " ".join(t["expr"] for t in p["targets"]) for p in PANELS}
    return {f"alert {a['alert']}": a["expr"] for a in ALERTS} | panels


async def test_every_figure_that_is_asked_for_is_exported(start: Make, fresh_nats: FreshNats) -> None:
    clerk, broker = await start("clerk"), broker_of("clerk", fresh_nats.server.url("clerk"))

    async def told(_: bytes) -> bytes:
        return b""

    bus = Bus(clerk, NatsTransport("clerk", broker), SystemClock(), told)
    await broker.start()
    text = metrics(clerk, bus, more={name: (what, 0.0) for name, what in FIGURES.items()}).decode()
    await broker.stop()
    exported = set(re.findall(r"^([a-z_]+)[{ ]", text, flags=re.M))
    missing = {where: set(FIGURE.findall(expr)) - exported for where, expr in asked().items()}
    assert {where: names for where, names in missing.items() if names} == {}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda a: str(a["alert"]))
def test_an_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["annotations"].keys() == {"summary", "remedy"}
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert re.fullmatch(r"\d+m", alert["for"])


def test_the_folder_is_named_in_the_docs() -> None:
    text = (Path(ROOT) / "docs/operate.md").read_text("utf-8")
    assert "deploy/prometheus" in text
    assert "deploy/grafana" in text
