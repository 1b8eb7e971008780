"""One trace from a request to all that follows from it; spans of commits; nothing personal in them or in log lines."""

import json
import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import tracing
from shared.mapper import Envelope, to_wire
from shared.telemetry import JsonLines
from shared.tracing import heard_trace, parent, trace_id, tracer_of

from .conftest import Make
from .trade import NOON, order

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FIRST = UUID("018f0000-0000-7000-8000-000000000001")


NONE = "00-" + "0" * 32 + "-b7ad6b7169203331-01"


@pytest.mark.parametrize("text", ["", "Ay\u015fe Kaya", CALLER.upper(), f"{CALLER}-x", CALLER[:20], NONE])
def test_what_is_no_trace_is_not_taken(text: str) -> None:
    assert parent(text) == ""
    assert trace_id(text, FIRST) == FIRST.hex


def test_a_callers_trace_is_kept_and_our_own_needs_no_room() -> None:
    assert parent(CALLER) == CALLER
    assert trace_id(CALLER, FIRST) == "0af7651916cd43dd8448eb211c80319c"
    assert heard_trace(CALLER, FIRST) == CALLER
    assert heard_trace(f"00-{FIRST.hex}-b7ad6b7169203331-01", FIRST) == ""


@pytest.mark.servers
@pytest.mark.parametrize("caller", ["", CALLER])
async def test_one_trace_leads_through_all_services(start: Make, caller: str) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    asked = replace(order(1), trace=caller)
    await shop.hear(asked)
    [placed] = await shop.log.rows(0, 9, said=True)
    await clerk.hear(Envelope.parse(to_wire("shop", placed).body, NOON))
    [packed] = await clerk.log.rows(0, 9, said=True)
    wires = [to_wire("shop", placed), to_wire("clerk", packed)]
    assert {wire.headers["traceparent"].split("-")[1] for wire in wires} == {trace_id(caller, asked.id)}
    assert [json.loads(wire.body)["traceparent"] for wire in wires] == [w.headers["traceparent"] for w in wires]


@pytest.mark.servers
async def test_a_commit_is_a_span_linked_to_its_messages(start: Make) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    shop = await start("shop", tracer=provider.get_tracer("test"))
    messages = [order(1), order(2)]
    await shop.hear(*messages)
    [span] = spans.get_finished_spans()
    assert [link.context.trace_id for link in span.links] == [m.correlation.int for m in messages]
    assert dict(span.attributes or {}) == {"vefa.heard": 2, "vefa.rows": 4, "vefa.position": 4}


@pytest.mark.servers
async def test_a_failed_commit_names_the_class_of_its_error_only(start: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    shop = await start("shop", tracer=provider.get_tracer("test"))

    async def broken(*_: Any) -> Any:
        raise ConnectionResetError("Ay\u015fe Kaya")

    monkeypatch.setattr(shop.vault, "keys_for", broken)
    with pytest.raises(ConnectionResetError):
        await shop.hear(order(1))
    [span] = spans.get_finished_spans()
    assert span.status.description == "ConnectionResetError"
    assert "Ay\u015fe" not in span.to_json()


def test_spans_are_made_only_where_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.COLLECTOR:
        monkeypatch.delenv(name, raising=False)
    assert tracer_of("shop") is None


def test_a_log_line_is_an_object(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("vefa.bus", logging.WARNING, "", 1, "%s waits", ("shop",), None)
    line = json.loads(JsonLines("shop").format(record))
    assert (line["level"], line["service"], line["logger"], line["message"]) == (
        "WARNING",
        "shop",
        "vefa.bus",
        "shop waits",
    )
