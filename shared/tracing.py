"""What the code says to the tracer. There is one where `OTEL_EXPORTER_OTLP_ENDPOINT` is set: `shared/spans.py` has it.

Everywhere else all of this is next to nothing, and neither instruments nor exporter are even loaded.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol


class Tracer(Protocol):
    def place(self) -> object:
        """Where in which trace the caller is, for a batch that it will be part of. None when nothing traces it."""

    def batch(self, name: str, places: Sequence[object], *, size: int) -> AbstractContextManager[None]:
        """Around the commit of what was submitted from these places."""

    def sending(self, queue: str, headers: MutableMapping[str, Any]) -> AbstractContextManager[None]:
        """Around the sending of a message; adds to its headers what `processing` goes by."""

    def processing(
        self, queue: str, headers: Mapping[str, Any], *, task_id: str | None
    ) -> AbstractContextManager[None]:
        """Around the processing of a message."""

    def trace_id(self) -> str | None:
        """Of the trace that the caller is in, in hexadecimal."""


class NoTracer:
    def place(self) -> None:
        return None

    def batch(self, *_: object, **__: object) -> AbstractContextManager[None]:
        return _NOTHING

    sending = processing = batch

    def trace_id(self) -> None:
        return None


_NOTHING = nullcontext()

current: Tracer = NoTracer()


def trace_with(tracer: Tracer) -> None:
    """From now on, in all of this process."""
    global current
    current = tracer


def add_trace_id(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: of a line that is written within a trace."""
    if trace_id := current.trace_id():
        event["trace_id"] = trace_id
    return event
