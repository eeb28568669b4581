"""Spans of batches and messages, kept in memory; how they come together over processes: tests/e2e/test_traces.py."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from unittest.mock import patch

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import tracing
from shared.spans import LINKS, SpanTracer


class Spans:
    def __init__(self) -> None:
        self._ended = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._ended))
        self.otel = provider.get_tracer("tests")
        self.tracer = SpanTracer(self.otel)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._ended.get_finished_spans() if span.name == name]


@pytest.fixture
def spans() -> Iterator[Spans]:
    with patch.dict(os.environ, LINKS):
        yield Spans()


def test_what_was_submitted_alone_goes_on_in_its_own_trace(spans):
    with spans.otel.start_as_current_span("request"):
        place = spans.tracer.place()
    with spans.tracer.batch("test", [place], size=3):
        pass
    [request], [batch] = spans.named("request"), spans.named("test batch")
    assert batch.parent.span_id == request.context.span_id
    assert batch.links == ()
    assert batch.attributes == {"order_processor.batch.size": 3}


def test_of_many_the_first_is_the_parent_and_each_other_is_linked_both_ways(spans):
    with ExitStack() as waiting:
        places = [waiting.enter_context(spans.otel.start_as_current_span(f"request {n}")) for n in range(300)]
        with spans.tracer.batch("test", places, size=300):
            pass
    [batch] = spans.named("test batch")
    first, *others = [spans.named(f"request {n}")[0] for n in range(300)]
    assert batch.parent.span_id == first.context.span_id
    assert [link.context for link in batch.links] == [other.context for other in others]
    assert all([link.context for link in other.links] == [batch.context] for other in others)
    assert first.links == ()


def test_parts_of_one_message_are_one_place(spans):
    with spans.otel.start_as_current_span("message"):
        place = spans.tracer.place()
        with spans.tracer.batch("test", [place, place], size=2):
            pass
    [batch] = spans.named("test batch")
    assert batch.links == ()


def test_who_does_not_wait_for_the_batch_is_linked_from_it_all_the_same(spans, caplog):
    with spans.otel.start_as_current_span("one"):
        one = spans.tracer.place()
    with spans.otel.start_as_current_span("two"):
        two = spans.tracer.place()
    with spans.tracer.batch("test", [one, two], size=2):
        pass
    [batch], [two] = spans.named("test batch"), spans.named("two")
    assert [link.context for link in batch.links] == [two.context]
    assert two.links == ()
    assert caplog.messages == []


def test_a_batch_that_nothing_traces_makes_no_trace(spans):
    assert spans.tracer.place() is None
    with spans.tracer.batch("test", [None, None], size=2):
        assert not trace.get_current_span().is_recording()
    assert spans.named("test batch") == []


def test_processing_is_a_child_of_sending(spans):
    headers: dict[str, object] = {"request_ids": ["a", "b"]}
    with spans.tracer.sending("orders", headers):
        pass
    with spans.tracer.processing("orders", headers, task_id="task-1"):
        inside = spans.tracer.trace_id()
    [sent], [processed] = spans.named("send orders"), spans.named("process orders")
    assert processed.parent.span_id == sent.context.span_id
    assert inside == trace.format_trace_id(sent.context.trace_id)
    assert processed.attributes["messaging.message.id"] == "task-1"
    assert headers["request_ids"] == ["a", "b"]


@pytest.mark.parametrize("traceparent", [None, 5, "", "made up", ["00-1-2-3"], {"a": 1}, "00-" + "0" * 52])
def test_a_message_with_a_strange_header_begins_a_trace_of_its_own(spans, traceparent):
    with spans.tracer.processing("orders", {"traceparent": traceparent}, task_id=None):
        pass
    [processed] = spans.named("process orders")
    assert processed.parent is None


def test_without_a_tracer_all_of_it_is_nothing():
    headers: dict[str, object] = {}
    tracer = tracing.current
    assert tracer.place() is None
    with tracer.batch("test", [None], size=1), tracer.sending("orders", headers):
        pass
    with tracer.processing("orders", headers, task_id="1"):
        assert tracer.trace_id() is None
    assert headers == {}
    assert tracing.add_trace_id(None, "info", {"event": "a line"}) == {"event": "a line"}
