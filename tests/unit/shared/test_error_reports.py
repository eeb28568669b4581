"""Which lines of the log are reported, and what of them; that reports arrive is in tests/e2e/test_error_reports.py."""

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from shared.error_reports import report_error


class Kept(Transport):
    """Takes the place of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events.append(envelope.get_event())


@pytest.fixture
def reported() -> Iterator[list[Any]]:
    transport = Kept()
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=transport, default_integrations=False)
    yield transport.events
    sentry_sdk.get_global_scope().set_client(None)


def test_a_line_that_is_an_error_is_reported_with_what_it_says(reported):
    line = {"event": "order failed", "level": "error", "order_id": "1", "_record": "structlog's own"}
    assert report_error(None, "error", dict(line)) == line
    [event] = reported
    assert event["message"] == "order failed"
    assert event["contexts"]["log"] == {"event": "order failed", "level": "error", "order_id": "1"}


@pytest.mark.parametrize("exc_info", [True, "the error", "as a tuple"])
def test_with_an_exception_the_traceback_is_what_is_reported(reported, exc_info):
    try:
        raise ValueError("bad")
    except ValueError as error:
        given = {"the error": error, "as a tuple": (ValueError, error, error.__traceback__)}.get(exc_info, True)
        report_error(None, "error", {"event": "unexpected error", "level": "error", "exc_info": given})
    [event] = reported
    assert [value["type"] for value in event["exception"]["values"]] == ["ValueError"]
    assert "exc_info" not in event["contexts"]["log"]


@pytest.mark.parametrize(
    "line",
    [
        {"event": "no sweep now", "level": "warning"},
        {"event": "Failed to export spans", "level": "error", "logger": "opentelemetry.exporter.otlp"},
    ],
)
def test_no_other_line_is(reported, line):
    assert report_error(None, "", dict(line)) == line
    assert reported == []
