"""What a process shows of itself: figures for Prometheus, lines of its log. No label ever holds an id or a text of a
person."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.bus.bus import Bus
from shared.runtime.service import Service

AGAIN_SECONDS = 60.0
KEPT_LINES = 1000


def log_to_stderr(service: str, kind: str) -> None:
    """Send the log of this process to standard error as ``text`` or ``json``, see shared/base/settings.py."""
    lines = logging.StreamHandler(sys.stderr)
    text = logging.Formatter(f"{service}: %(levelname)s %(name)s %(message)s")
    lines.setFormatter(JsonLines(service) if kind == "json" else text)
    lines.addFilter(Seldom())
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # each lost connection of the pool: who needed it says so


class Seldom(logging.Filter):
    """Lets the same line through once a minute: while a server is away every part that waits for it says so again and
    again. The next one tells how many were held back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self._clock = clock
        self._shown: dict[tuple[str, str], tuple[float, int]] = {}
        """When a line (logger, text) was shown, and how many were held back since."""

    def filter(self, record: logging.LogRecord) -> bool:
        line, now = (record.name, record.getMessage()), self._clock()
        shown, held = self._shown.pop(line, (-AGAIN_SECONDS, 0))
        if now - shown < AGAIN_SECONDS:
            self._shown[line] = (shown, held + 1)
            return False
        self._shown[line] = (now, 0)
        if len(self._shown) > KEPT_LINES:
            del self._shown[next(iter(self._shown))]
        if held:
            record.msg, record.args = f"{line[1]} ({held} times more since it was shown last)", ()
        return True


class JsonLines(logging.Formatter):
    """A log line as one JSON object: time, level, service, logger, message."""

    def __init__(self, service: str):
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "service": self._service, "logger": record.name,
            "message": record.getMessage(),
        }  # fmt: skip
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Figures(Collector):
    def __init__(self, service: Service, bus: Bus, late: float, effects: int, more: Mapping[str, tuple[str, float]]):
        self._service, self._bus, self._late, self._effects, self._more = service, bus, late, effects, more

    def collect(self) -> Iterator[Metric]:
        service, bus, label = self._service, self._bus, ["service"]
        ready = not service.leads or bus.problem is None
        values = {
            "vefa_log_position": ("Last position of the service's log", service.position),
            "vefa_said_position": ("Last position that the service said", service.said),
            "vefa_relayed_position": ("Last position that is on the bus", bus.relayed),
            "vefa_epoch": ("Epoch of the log", service.epoch),
            "vefa_restored_behind": (
                "1 when this log, or one that it hears, was restored behind what others know of it",
                int(bus.epochs.problem is not None),
            ),
            "vefa_leader": ("1 in the leader, the process that relays and sends", int(service.leads)),
            "vefa_ready": (
                "1 when nothing stands in the way of hearing and saying",
                int(ready),
            ),
            "vefa_parked_streams": ("Streams with parked events", _parked(service)),
            "vefa_streams_in_memory": ("Streams held in memory", len(service.memory.streams)),
            "vefa_waiting_messages": ("Messages that wait for a commit", service.waiting),
            "vefa_late_seconds": ("How long the earliest deadline or effect is overdue", self._late),
            "vefa_open_effects": ("Effects that are asked for and not settled", self._effects),
            **self._more,
        }
        for name, (text, value) in values.items():
            family = GaugeMetricFamily(name, text, labels=label)
            family.add_metric([service.name], value)
            yield family
        lag = GaugeMetricFamily(
            "vefa_lag_positions", "Positions announced by a source, not heard", labels=[*label, "source"]
        )
        for source, behind in bus.lag().items():
            lag.add_metric([service.name, source], behind)
        yield lag


def _parked(service: Service) -> int:
    return sum(1 for _, row in service.memory.table("parked") if (row["count"] or 0) > 0)


def metrics(
    service: Service, bus: Bus, late: float = 0, effects: int = 0, more: Mapping[str, tuple[str, float]] | None = None
) -> bytes:
    """The text exposition format. ``late``: seconds that the earliest deadline or effect is overdue; ``effects``: how
    many are open; ``more``: what the service counts of its own."""
    registry = CollectorRegistry()
    registry.register(_Figures(service, bus, late, effects, more or {}))
    ProcessCollector(registry=registry)
    return generate_latest(service.meters.registry) + generate_latest(registry)
