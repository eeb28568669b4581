"""Logging: structlog over the standard library, one line an event, for programs or for people."""

import logging
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog

CHATTY = ("celery.app.trace", "celery.beat", "celery.worker.strategy", "flask-limiter")
"""They write a line or more for every message, or for every request that is refused; under a rush that is too many."""


def configure_logging(
    log_format: str,
    *,
    stream: TextIO | None = None,
    level: int = logging.INFO,
    also: Sequence[structlog.typing.Processor] = (),
) -> None:
    """`json` for one JSON object a line, `console` for a person. Libraries' records take the same way.

    To standard output, unless another stream is given. Each event goes through `also` before it is written.
    """
    stream = stream or sys.stdout
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *also,
    ]
    renderer: list[structlog.typing.Processor] = (
        [_for_people(stream)]
        if log_format == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _for_people(stream: TextIO) -> structlog.typing.Processor:
    """Plain tracebacks: the pretty ones show local variables, and those may be secrets."""
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
