"""`python -m api`: checks that the API can keep its promises here, then becomes Granian, which serves it."""

import os
import sys

from api.metric_files import DIRECTORY, make_directory
from api.settings import ApiSettings, load_api_settings
from shared.startup import allow_many_files, load_or_refuse, prepare_database_or_refuse

STOP_SECONDS = 10
"""Requests that were taken in have this long to be answered when the API stops."""

SLOW_BODIES = 128
"""Threads beside those that the settings ask for: a body that comes slowly holds one until it is here, or cut off."""

IDLE_SECONDS = 30
"""Then Granian ends a connection on which no request has begun, or its headers are not whole."""

CONNECTIONS_MAX = 4_096
"""Open connections of one process, idle ones too; whoever comes after them waits. Granian's default would be 512."""


def main() -> None:
    settings = load_or_refuse("api", load_api_settings)
    prepare_database_or_refuse("api", settings.shared.mongo_url)
    allow_many_files()
    os.environ.pop(DIRECTORY, None)
    if settings.shared.metrics_port:
        try:
            os.environ[DIRECTORY] = make_directory()
        except OSError as error:
            sys.stderr.write(f"api has no directory for metrics: {error!r}\n")
    command = granian_command(settings)
    os.execv(command[0], command)  # noqa: S606 - no shell wanted: every argument is ours


def granian_command(settings: ApiSettings) -> list[str]:
    """https://github.com/emmett-framework/granian#options"""
    options = {
        "--interface": "wsgi",
        "--host": settings.host,
        "--port": settings.port,
        "--workers": settings.processes,
        "--blocking-threads": settings.threads + settings.waiters_max + SLOW_BODIES,
        # A connection serves one request after another: what api/connections.py concludes holds of HTTP/1 alone.
        "--http": "1",
        "--http1-header-read-timeout": IDLE_SECONDS * 1000,
        "--backlog": CONNECTIONS_MAX,
        "--backpressure": CONNECTIONS_MAX,
        "--workers-kill-timeout": STOP_SECONDS,
        "--respawn-interval": 0.5,
    }
    arguments = [text for option, value in options.items() for text in (option, str(value))]
    flags = ["--respawn-failed-workers", "--no-ws", "--factory"]
    return [sys.executable, "-m", "granian", *arguments, *flags, "api.process:make_app"]


if __name__ == "__main__":
    main()
