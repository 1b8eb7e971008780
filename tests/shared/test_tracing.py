"""One trace from a request to all that follows from it; spans of commits; nothing personal in them or in log lines."""

import json
import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.base import tracing
from shared.base.tracing import Tracer, heard_trace, parent, trace_id, tracer_of
from shared.host.telemetry import JsonLines
from shared.store.codec import Envelope, to_wire

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
    await shop.handle(asked)
    [placed] = await shop.log.rows(0, 9, said=True)
    await clerk.handle(Envelope.parse(to_wire("shop", placed).body, NOON))
    [packed] = await clerk.log.rows(0, 9, said=True)
    wires = [to_wire("shop", placed), to_wire("clerk", packed)]
    assert {wire.headers["traceparent"].split("-")[1] for wire in wires} == {trace_id(caller, asked.id)}
    assert [json.loads(wire.body)["traceparent"] for wire in wires] == [w.headers["traceparent"] for w in wires]


@pytest.mark.servers
async def test_a_commit_is_a_span_linked_to_its_messages(start: Make) -> None:
    spans = InMemorySpanExporter()
    shop = await start("shop", tracer=Tracer("shop", SimpleSpanProcessor(spans)))
    messages = [order(1), order(2)]
    await shop.handle(*messages)
    span, *rows = spans.get_finished_spans()
    assert [link.context.trace_id for link in span.links] == [m.correlation.int for m in messages]
    assert dict(span.attributes or {}) == {"vefa.heard": 2, "vefa.rows": 4, "vefa.position": 4}
    assert [row.name for row in rows] == ["to.shop.place-order.v1", "shop.order-placed.v1"] * 2


@pytest.mark.servers
async def test_each_row_is_a_span_of_its_trace_below_the_one_that_it_goes_on_from(start: Make) -> None:
    shop_spans, clerk_spans = InMemorySpanExporter(), InMemorySpanExporter()
    shop = await start("shop", tracer=Tracer("shop", SimpleSpanProcessor(shop_spans)))
    clerk = await start("clerk", tracer=Tracer("clerk", SimpleSpanProcessor(clerk_spans)))
    await shop.handle(replace(order(1, amount=13), trace=CALLER))
    [placed] = await shop.log.rows(0, 9, said=True)
    await clerk.handle(Envelope.parse(to_wire("shop", placed).body, NOON))
    _, *said = shop_spans.get_finished_spans()
    _, *heard = clerk_spans.get_finished_spans()
    chain = [*said, *heard]
    assert {format(span.context.trace_id, "032x") for span in chain} == {trace_id(CALLER, FIRST)}
    assert [span.parent.span_id for span in chain if span.parent] == [
        int(CALLER.split("-")[2], 16), *(span.context.span_id for span in chain[:-1])
    ]  # fmt: skip
    assert [span.kind.name for span in chain] == ["SERVER", "PRODUCER", "CONSUMER", "PRODUCER"]
    assert [span.status.description for span in chain] == [None, None, "rule-raised", None]
    assert "wrap" not in "".join(span.to_json() for span in chain)


@pytest.mark.servers
async def test_a_commit_stands_whatever_happens_to_its_spans(start: Make, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SimpleSpanProcessor):
        def on_end(self, span: Any) -> None:
            if span.name != "shop commit":
                raise ZeroDivisionError

    shop = await start("shop", tracer=Tracer("shop", Broken(InMemorySpanExporter())))
    await shop.handle(order(1))
    assert shop.position == (await shop.log.head()).position == 2
    assert "spans were not made: ZeroDivisionError" in caplog.text


@pytest.mark.servers
async def test_a_failed_commit_names_the_class_of_its_error_only(start: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    shop = await start("shop", tracer=Tracer("shop", SimpleSpanProcessor(spans)))

    async def broken(*_: Any) -> Any:
        raise ConnectionResetError("Ay\u015fe Kaya")

    monkeypatch.setattr(shop.vault, "keys_for", broken)
    with pytest.raises(ConnectionResetError):
        await shop.handle(order(1))
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
