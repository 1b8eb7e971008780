"""Traces: which one a message belongs to (W3C Trace Context), and one span for each commit.

A trace is the caller's, or the correlation of the first message; a message is a span of it, named by its event id. So
nothing is random, and the same trace is found in the logs, on the bus and at a collector."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

from opentelemetry.trace import Link, SpanContext, StatusCode, TraceFlags, Tracer

PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
COLLECTOR = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own variables: where spans are sent. Without one of them none are made."""


class Traced(Protocol):
    """What a span needs to know of a message."""

    @property
    def id(self) -> UUID: ...
    @property
    def correlation(self) -> UUID: ...
    @property
    def trace(self) -> str: ...


def parent(text: str) -> str:
    """The caller's ``traceparent``, or '' when it is none: whatever else stands there may not get into a log."""
    return text if PARENT.fullmatch(text) else ""


def trace_id(trace: str, correlation: UUID) -> str:
    """32 hexadecimal digits."""
    found = PARENT.fullmatch(trace)
    return found[1] if found else correlation.hex


def traceparent(trace: str, correlation: UUID, event_id: UUID) -> str:
    """What a message says of its trace on the bus: who hears it goes on from its event."""
    return f"00-{trace_id(trace, correlation)}-{event_id.hex[16:]}-01"


def heard_trace(text: str, correlation: UUID) -> str:
    """What is kept of a ``traceparent`` on the bus: nothing where the correlation says it already."""
    found = PARENT.fullmatch(text)
    return text if found and found[1] != correlation.hex else ""


def tracer_of(service: str) -> Tracer | None:
    """Makes spans and sends them by OTLP over HTTP where a collector is named; None without one."""
    if not any(os.environ.get(name) for name in COLLECTOR):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"vefa-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("vefa")


@contextmanager
def commit_span(tracer: Tracer | None, service: str, messages: Iterable[Traced]) -> Iterator[dict[str, Any]]:
    """The span of one commit, linked to each message that it takes in; what is put into the yielded dict becomes its
    attributes."""
    if tracer is None:
        yield {}
        return
    links = [Link(_context(m)) for m in messages]
    noted: dict[str, Any] = {}
    # the words of an exception may be personal: only its class goes out
    with tracer.start_as_current_span(
        f"{service} commit", links=links, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield noted
        except Exception as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            span.set_attributes({f"vefa.{name}": value for name, value in noted.items()})


def _context(message: Traced) -> SpanContext:
    trace = int(trace_id(message.trace, message.correlation), 16)
    return SpanContext(trace, int(message.id.hex[16:], 16), is_remote=True, trace_flags=TraceFlags(1))
