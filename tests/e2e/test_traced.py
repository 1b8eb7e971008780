"""One trace from an HTTP call to the mail that follows from it, over all services that took part: in the logs, and the
same spans at a collector."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.vefa.services import ORDER
from tests.running import Running, up
from tests.waiting import PATIENCE, until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
COMPLAINT = "Kargom zqveryownword beş gündür gelmedi."
PERSONAL = (b"zqveryownword", b"zqowner@example.com", b"Zqname")
Told = dict[str, tuple[str, str, str]]
"""Span id -> (service, name, parent's span id)."""


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP in protobuf, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.bodies: list[bytes] = []

    def told(self, trace: str) -> Told:
        """The spans of one trace."""
        found = {}
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
                for span in (span for scope in resource.scope_spans for span in scope.spans):
                    if span.trace_id.hex() == trace:
                        assert span.start_time_unix_nano <= span.end_time_unix_nano
                        found[span.span_id.hex()] = (service, span.name, span.parent_span_id.hex())
        return found


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the output is the tests'."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


def traces(platform: Running, case: str) -> Any:
    return json.loads(platform.vefa("trace", case, "--json"))


@pytest.fixture(scope="module")
def traced(open_folder: Path) -> Iterator[tuple[dict[str, Any], Collector]]:
    """The one trace of a case by ``vefa trace``, and what the collector has once the platform ended."""
    with collecting() as collector:
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        with up(open_folder / "traced", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as platform:
            body = {"contact": {"kind": "mail", "address": "zqowner@example.com"}, "name": "Zqname", "text": COMPLAINT}
            head = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
            answer = httpx.post(f"{platform.address('intake')}/v1/cases", json=body, headers=head, timeout=PATIENCE)
            number = answer.json()["number"]
            until_true(lambda: "notice-sent" in platform.vefa("trace", number, "--json"), "no mail was sent")
            platform.settled()
            [found] = traces(platform, number)
        yield found, collector


def test_one_trace_leads_from_the_call_to_the_mail(traced: tuple[dict[str, Any], Collector]) -> None:
    found, _ = traced
    spans = {span["span_id"]: span for span in found["spans"]}
    assert found["trace_id"] == TRACE
    assert set(found["services"]) >= set(ORDER)
    [at] = [
        span for span in found["spans"] if span["name"] == "notification.notice-sent.v1" and span["kind"] != "consumer"
    ]
    way = [at["name"]]
    while at["parent_id"] != SPAN:
        at = spans[at["parent_id"]]
        way.append(at["name"])
    assert list(dict.fromkeys(way)) == [
        "notification.notice-sent.v1", "to.notification.delivery-reported.v1", "notification.notice-queued.v1",
        "classifier.case-classified.v1", "intake.case-opened.v1", "outside.case-submitted.v1",
    ]  # fmt: skip


def test_a_collector_gets_the_same_spans(traced: tuple[dict[str, Any], Collector]) -> None:
    found, collector = traced
    assert collector.told(TRACE) == {
        s["span_id"]: (f"vefa-{s['service']}", s["name"], s["parent_id"]) for s in found["spans"]
    }


def test_nothing_personal_is_in_a_trace(traced: tuple[dict[str, Any], Collector]) -> None:
    found, collector = traced
    assert collector.bodies
    told = b"".join(collector.bodies) + json.dumps(found).encode()
    assert [word for word in PERSONAL if word in told] == []
