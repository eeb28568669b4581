"""A server on loopback that takes what parts of ours send to an OpenTelemetry collector, and to Sentry."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage


@dataclass(frozen=True, slots=True)
class Span:
    part: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: frozenset[str]
    """Ids of spans."""
    attributes: dict[str, Any]


@dataclass
class Collector:
    port: int
    spans: list[Span] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    """Sentry's."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        return f"http://public@127.0.0.1:{self.port}/1"

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            self.spans += _spans_of(ExportTraceServiceRequest.FromString(body))
        else:
            assert path == "/api/1/envelope/", path
            self.events += _events_of(body)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        part = _values(resource_spans.resource.attributes)["service.name"]
        for scope_spans in resource_spans.scope_spans:
            yield from (_span(part, span) for span in scope_spans.spans)


def _span(part: str, span: SpanMessage) -> Span:
    return Span(
        part=part,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=frozenset(link.span_id.hex() for link in span.links),
        attributes=_values(span.attributes),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _events_of(envelope: bytes) -> Iterator[dict[str, Any]]:
    """https://develop.sentry.dev/sdk/data-model/envelopes/: lines, of which an item's header says what the next is."""
    lines = envelope.splitlines()[1:]
    for header, payload in zip(lines[::2], lines[1::2], strict=False):
        if json.loads(header).get("type") == "event":
            yield json.loads(payload)
