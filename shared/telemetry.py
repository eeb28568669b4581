"""What a process tells those who run it: its log, and as far as its settings ask for them, error reports and traces."""

from collections.abc import Callable, Sequence
from threading import Event, Thread

import structlog

from shared import tracing
from shared.log import configure_logging
from shared.settings import Settings
from shared.startup import refuse

STOP_SECONDS = 2.0
"""No process waits longer at its end for one that does not take the last of what it has to tell."""


def start_telemetry(part: str, settings: Settings) -> Callable[[], None]:
    """Before the first client of MongoDB is made. Returns what sends the last of it, for the end of the process."""
    also: list[structlog.typing.Processor] = []
    stops: list[Callable[[], None]] = []
    # Only what was asked for is loaded: it takes time and memory.
    if settings.otlp_endpoint:
        from shared.spans import start_tracing

        try:
            stops.append(start_tracing(part, settings.otlp_endpoint, settings.otlp_headers))
        except ValueError as error:
            refuse(part, f"a variable of OpenTelemetry's, OTEL_...: {error}")
        also.append(tracing.add_trace_id)
    if settings.sentry_dsn:
        from shared.error_reports import report_error, start_error_reports

        stops.append(start_error_reports(part, settings.sentry_dsn))
        also.append(report_error)
    configure_logging(settings.log_format, also=also)
    return _side_by_side(stops)


def _side_by_side(stops: Sequence[Callable[[], None]]) -> Callable[[], None]:
    """In threads that are there from the start: since Python 3.12 a process can start none at its end."""
    asked, stopped = Event(), [Event() for _ in stops]

    def wait_and_stop(stop: Callable[[], None], done: Event) -> None:
        asked.wait()
        stop()
        done.set()

    for pair in zip(stops, stopped, strict=True):
        Thread(target=wait_and_stop, args=pair, name="telemetry-stop", daemon=True).start()

    def stop_all() -> None:
        asked.set()
        for done in stopped:
            done.wait(STOP_SECONDS)

    return stop_all
