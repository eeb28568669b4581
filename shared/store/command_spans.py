"""Spans of MongoDB's commands, where traces are asked for."""

from opentelemetry import trace
from opentelemetry.instrumentation.pymongo import CommandTracer
from pymongo import monitoring


class CommandsWithinSpans(CommandTracer):
    """Of those that belong to a request or a task: what is asked every second anyway would bury them."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if trace.get_current_span().is_recording():
            super().started(event)


def trace_commands(tracer: trace.Tracer) -> None:
    """Of all clients made from now on. What a command says, and what it brings, is in no span."""
    monitoring.register(CommandsWithinSpans(tracer, capture_statement=False))
