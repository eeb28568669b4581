"""What a process tells those who run it: its log, and as far as its settings ask for them, error reports and traces."""

from collections.abc import Callable

import structlog

from shared import tracing
from shared.log import configure_logging
from shared.settings import Settings


def start_telemetry(part: str, settings: Settings) -> Callable[[], None]:
    """Before the first client of MongoDB is made. Returns what sends the last of it, for the end of the process."""
    also: list[structlog.typing.Processor] = []
    stops: list[Callable[[], None]] = []
    # Only what was asked for is loaded: it takes time and memory.
    if settings.otlp_endpoint:
        from shared.spans import start_tracing

        stops.append(start_tracing(part, settings.otlp_endpoint))
        also.append(tracing.add_trace_id)
    if settings.sentry_dsn:
        from shared.error_reports import report_error, start_error_reports

        stops.append(start_error_reports(part, settings.sentry_dsn))
        also.append(report_error)
    configure_logging(settings.log_format, also=also)

    def stop() -> None:
        for each in stops:
            each()

    return stop
