"""Traces by OpenTelemetry: spans of batches and messages, sent to a collector in the background.

A batch is one piece of work for many requests. Its span is a child of the first of them and linked with each of the
others, both ways: an order alone is one trace from its request to its transaction, and from any order of a batch there
is a link to what was done for it. https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/

The spans of messages are made here and not by OpenTelemetry's instrumentation of Celery: see docs/decisions, 0029.
"""

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared import tracing
from shared.store.command_spans import trace_commands

NAME = "order_processor"

PROPAGATOR = TraceContextTextMapPropagator()
"""https://www.w3.org/TR/trace-context/ and no more: OpenTelemetry logs, as it came, what is wrong with a `baggage`."""

LINKS = {"OTEL_SPAN_LINK_COUNT_LIMIT": "1000"}
"""OpenTelemetry would drop the links of all but 128 orders of a batch; unless the environment says something else:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/"""


def start_tracing(part: str, endpoint: str, headers: str | None) -> Callable[[], None]:
    """Before the first client of MongoDB is made. Returns what sends the last spans, for the end of the process.

    Raises ValueError when a variable of OpenTelemetry's does not parse.
    """
    for name, value in (LINKS | {"OTEL_SERVICE_NAME": f"order-processor-{part}"}).items():
        os.environ.setdefault(name, value)
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=_headers(headers))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    tracer = provider.get_tracer(NAME)
    trace_commands(tracer)
    tracing.trace_with(SpanTracer(tracer))
    return provider.shutdown


class SpanTracer:
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def place(self) -> Span | None:
        span = trace.get_current_span()
        return span if span.is_recording() else None

    @contextmanager
    def batch(self, name: str, places: Sequence[object], *, size: int) -> Iterator[None]:
        spans = list(dict.fromkeys(place for place in places if isinstance(place, Span)))
        if not spans:
            yield
            return
        first, *others = spans
        with self._tracer.start_as_current_span(
            f"{name} batch",
            context=trace.set_span_in_context(first),
            links=[Link(other.get_span_context()) for other in others],
            attributes={f"{NAME}.batch.size": size},
        ) as span:
            for other in others:
                if other.is_recording():
                    other.add_link(span.get_span_context())
            yield

    @contextmanager
    def sending(self, queue: str, headers: MutableMapping[str, Any]) -> Iterator[None]:
        attributes = _message(queue, "send")
        with self._tracer.start_as_current_span(f"send {queue}", kind=SpanKind.PRODUCER, attributes=attributes):
            PROPAGATOR.inject(headers)
            yield

    @contextmanager
    def processing(self, queue: str, headers: Mapping[str, Any], *, task_id: str | None) -> Iterator[None]:
        context = PROPAGATOR.extract({name: value for name, value in headers.items() if isinstance(value, str)})
        attributes = _message(queue, "process") | {"messaging.message.id": task_id or ""}
        with self._tracer.start_as_current_span(
            f"process {queue}", context=context, kind=SpanKind.CONSUMER, attributes=attributes
        ):
            yield

    def trace_id(self) -> str | None:
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None


def _headers(text: str | None) -> dict[str, str] | None:
    """`name=value,name=value`, values as in a URL: https://opentelemetry.io/docs/specs/otel/protocol/exporter/"""
    pairs = [pair.split("=", 1) for pair in text.split(",")] if text else []
    return {name.strip().lower(): unquote(value.strip()) for name, value in pairs} or None


def _message(queue: str, operation: str) -> dict[str, str]:
    return {
        "messaging.system": "celery",
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
