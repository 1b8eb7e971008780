"""What a service counts while it works, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
LABELS = ("service",)


class Meters:
    """Of one service in one process; no label ever holds an id or a text of a person."""

    def __init__(self, service: str):
        self.registry = own = CollectorRegistry()
        took = Histogram("vefa_commit_seconds", "Seconds of a commit", LABELS, buckets=SECONDS, registry=own)
        self._took = took.labels(service)
        self._rows = Counter("vefa_rows", "Rows that were recorded", LABELS, registry=own).labels(service)
        self._failed = Counter("vefa_failed_commits", "Commits that failed", LABELS, registry=own).labels(service)

    @contextmanager
    def commit(self) -> Iterator[None]:
        """One commit: how long it took, or that it failed."""
        began = perf_counter()
        try:
            yield
        except BaseException:
            self._failed.inc()
            raise
        self._took.observe(perf_counter() - began)

    def recorded(self, rows: int) -> None:
        self._rows.inc(rows)
