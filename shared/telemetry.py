"""What a process shows of itself: figures for Prometheus, lines of its log. No label ever holds an id or a text of a
person."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .bus import Bus
from .service import Service


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
    def __init__(self, service: Service, bus: Bus, late: float, effects: int):
        self._service, self._bus, self._late, self._effects = service, bus, late, effects

    def collect(self) -> Iterator[Metric]:
        service, bus, label = self._service, self._bus, ["service"]
        ready = not service.acting or bus.problem is None
        values = {
            "vefa_log_position": ("Last position of the service's log", service.position),
            "vefa_said_position": ("Last position that the service said", service.said),
            "vefa_relayed_position": ("Last position that is on the bus", bus.relayed),
            "vefa_epoch": ("Epoch of the log", service.epoch),
            "vefa_acting": ("1 in the process that acts", int(service.acting)),
            "vefa_ready": (
                "1 when nothing stands in the way of hearing and saying",
                int(ready),
            ),
            "vefa_parked_streams": ("Streams with parked events", _parked(service)),
            "vefa_streams_in_memory": ("Streams held in memory", len(service.memory.streams)),
            "vefa_waiting_messages": ("Messages that wait for a commit", service.waiting),
            "vefa_late_seconds": ("How long the earliest deadline or effect is overdue", self._late),
            "vefa_open_effects": ("Effects that are asked for and not settled", self._effects),
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


def metrics(service: Service, bus: Bus, late: float = 0, effects: int = 0) -> bytes:
    """The text exposition format. ``late``: seconds that the earliest deadline or effect is overdue; ``effects``: how
    many are open."""
    registry = CollectorRegistry()
    registry.register(_Figures(service, bus, late, effects))
    ProcessCollector(registry=registry)
    return generate_latest(service.meters.registry) + generate_latest(registry)
