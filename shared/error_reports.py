"""Reports of errors to Sentry, when `SENTRY_DSN` asks for them: what is logged as an error, with its traceback.

Nothing else is reported, so that what holds of log lines holds of reports: no token, no body, no header, and no local
variable. https://docs.sentry.io/platforms/python/
"""

from collections.abc import Callable, MutableMapping
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

FLUSH_SECONDS = 2.0

OF_TRACING = "opentelemetry."
"""The loggers that complain of a collector that is away, every few seconds: that is no defect of ours."""


def start_error_reports(part: str, dsn: str) -> Callable[[], None]:
    """Returns what sends the last reports, for the end of the process.

    Release and environment are what SENTRY_RELEASE and SENTRY_ENVIRONMENT say.
    """
    sentry_sdk.init(
        dsn=dsn,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[DedupeIntegration(), ExcepthookIntegration(), ThreadingIntegration(propagate_scope=False)],
        include_local_variables=False,
        send_default_pii=False,
    )
    sentry_sdk.get_global_scope().set_tag("part", part)  # of all threads
    return lambda: sentry_sdk.flush(FLUSH_SECONDS)


def report_error(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog; the event is logged as it is."""
    if event.get("level") in ("error", "critical") and not str(event.get("logger")).startswith(OF_TRACING):
        with sentry_sdk.new_scope() as scope:
            scope.set_context("log", {name: value for name, value in event.items() if _is_said(name)})
            exc_info = event.get("exc_info")
            if exc_info:
                sentry_sdk.capture_exception(None if exc_info is True else exc_info)
            else:
                sentry_sdk.capture_message(str(event.get("event")), level="error")
    return event


def _is_said(name: str) -> bool:
    """In the line; structlog keeps names with an underscore to itself."""
    return name != "exc_info" and not name.startswith("_")
