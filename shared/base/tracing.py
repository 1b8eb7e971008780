"""Traces: which one a message belongs to (W3C Trace Context), and the spans that go to a collector.

A trace is the caller's, or the correlation of the first message; a message is a span of it, named by its event id. So
nothing is random, and the same trace is found in the logs, on the bus and at a collector."""

import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid5

from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

log = logging.getLogger("vefa.tracing")
PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
COLLECTOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own variables: where spans are sent. Without one of them none are made."""


class Traced(Protocol):
    """What a span needs to know of a message."""

    @property
    def event(self) -> Any: ...
    @property
    def id(self) -> UUID: ...
    @property
    def source(self) -> str: ...
    @property
    def correlation(self) -> UUID: ...
    @property
    def causation(self) -> UUID: ...
    @property
    def trace(self) -> str: ...
    @property
    def row(self) -> int: ...


class Noted(Protocol):
    """What a span needs to know of a row."""

    @property
    def parked(self) -> str: ...


@dataclass(slots=True)
class Commit:
    """What one commit notes of itself: attributes of its span, and what it recorded: (message, notes of its row,
    whether it is said, version)."""

    noted: dict[str, Any] = field(default_factory=dict)
    recorded: Sequence[tuple[Traced, Noted, bool, int]] = ()


def parent(text: str) -> str:
    """The caller's ``traceparent``, or '' when it is none: whatever else stands there may not get into a log."""
    return text if PARENT.fullmatch(text) else ""


def trace_id(trace: str, correlation: UUID) -> str:
    """32 hexadecimal digits."""
    found = PARENT.fullmatch(trace)
    return found[1] if found else correlation.hex


def traceparent(trace: str, correlation: UUID, event_id: UUID) -> str:
    """What a message says of its trace on the bus: who hears it goes on from its event."""
    return f"00-{trace_id(trace, correlation)}-{span_of(event_id)}-01"


def span_of(event_id: UUID) -> str:
    """The span of an event: what stands in its ``traceparent``."""
    return event_id.hex[16:]


def hearing_of(service: str, event_id: UUID) -> str:
    """The span of a service that hears another's event."""
    return uuid5(event_id, f"heard|{service}").hex[16:]


def outer_parent(trace: str, correlation: UUID, event_id: UUID) -> str:
    """The span that a message from outside of a log goes on from: its caller's, else the first of its correlation; ''
    for what begins a trace."""
    found = PARENT.fullmatch(trace)
    return found[2] if found else "" if correlation == event_id else span_of(correlation)


def heard_trace(text: str, correlation: UUID) -> str:
    """What is kept of a ``traceparent`` on the bus: nothing where the correlation says it already."""
    found = PARENT.fullmatch(text)
    return text if found and found[1] != correlation.hex else ""


class Tracer:
    """Makes the spans of a service's process: of each row that it records, in the trace and with the id that the logs
    know, and of each commit, linked to what it took in. Which traces are sent is OTEL_TRACES_SAMPLER's to say."""

    def __init__(self, service: str, processor: "SpanProcessor"):
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        self._service, self._processor = service, processor
        self._provider = TracerProvider(resource=Resource.create({"service.name": f"vefa-{service}"}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("vefa")

    def close(self) -> None:
        """Send what waits; it may take as long as the collector lets one wait (OTEL_EXPORTER_OTLP_TIMEOUT)."""
        self._provider.shutdown()

    @contextmanager
    def commit(self, messages: Iterable[Traced]) -> Iterator[Commit]:
        commit, began = Commit(), time.time_ns()
        links = [Link(_context(m.trace, m.correlation, span_of(m.id))) for m in messages]
        # the words of an exception may be personal: only its class goes out
        with self._tracer.start_as_current_span(
            f"{self._service} commit", links=links, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield commit
            except Exception as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise
            finally:
                span.set_attributes({f"vefa.{name}": value for name, value in commit.noted.items()})
        try:
            self._tell(commit.recorded, began, time.time_ns())
        except Exception as error:  # it is committed, whatever is wrong with telling of it
            log.error("%s: spans were not made: %s", self._service, type(error).__name__)

    def _tell(self, recorded: Iterable[tuple[Traced, Noted, bool, int]], began: int, ended: int) -> None:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.trace.sampling import Decision

        spans: dict[UUID, str] = {}
        for message, notes, said, _ in recorded:
            heard = bool(message.source)
            own = spans[message.id] = hearing_of(self._service, message.id) if heard else span_of(message.id)
            if heard:
                above = span_of(message.id)
            elif message.causation.int:
                above = spans.get(message.causation) or span_of(message.causation)
            else:
                above = outer_parent(message.trace, message.correlation, message.id)
            context = _context(message.trace, message.correlation, own)
            if self._provider.sampler.should_sample(None, context.trace_id, "").decision is Decision.DROP:
                continue
            attributes = {"vefa.event": str(message.id), "vefa.stream": message.event.stream, "vefa.row": message.row}
            if notes.parked:
                attributes["vefa.parked"] = notes.parked
            self._processor.on_end(
                ReadableSpan(
                    message.event.TOPIC, context,
                    parent=_context(message.trace, message.correlation, above) if above else None,
                    resource=self._provider.resource, attributes=attributes,
                    kind=SpanKind.CONSUMER if heard else SpanKind.PRODUCER if said else SpanKind.SERVER,
                    status=Status(StatusCode.ERROR, notes.parked) if notes.parked else Status(),
                    start_time=began, end_time=ended,
                )
            )  # fmt: skip


def tracer_of(service: str) -> Tracer | None:
    """Sends spans by OTLP over HTTP where a collector is named; None without one."""
    if not any(os.environ.get(name) for name in COLLECTOR):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return Tracer(service, BatchSpanProcessor(OTLPSpanExporter()))


def commit_spans(tracer: Tracer | None, messages: Iterable[Traced]) -> AbstractContextManager[Commit]:
    """The spans of one commit that takes in these messages; none without a tracer."""
    return tracer.commit(messages) if tracer else nullcontext(Commit())


def _context(trace: str, correlation: UUID, span: str) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id(trace, correlation), 16), int(span, 16), is_remote=True, trace_flags=sampled)
