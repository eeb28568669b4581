"""One line an event, for programs or for people; libraries' records take the same way; no local variables."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared.log import configure_logging


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    """Logging is the process's own; leave it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_json_is_one_object_a_line_with_time_level_and_context(capsys):
    configure_logging("json")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("one").info("orders decided", batch=3)
    [line] = lines(capsys)
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "orders decided", "batch": 3, "level": "info", "logger": "one", "request_id": "r1"}


def test_what_a_library_logs_has_the_same_form(capsys):
    configure_logging("json")
    logging.getLogger("some.library").warning("it is %s", "late")
    [line] = lines(capsys)
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["logger"]) == ("it is late", "warning", "some.library")


def test_what_a_library_says_below_info_is_left_out(capsys):
    configure_logging("json")
    logging.getLogger("some.library").debug("noise")
    logging.getLogger("celery.app.trace").info("noise")
    assert lines(capsys) == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_local_variables(capsys, log_format):
    configure_logging(log_format)
    password = "hunter2"
    try:
        raise ValueError(len(password))
    except ValueError as error:
        structlog.get_logger("three").error("unexpected error", exc_info=error)
    text = "\n".join(lines(capsys))
    assert "ValueError: 7" in text
    assert "hunter2" not in text


def test_an_error_is_one_line_in_json(capsys):
    configure_logging("json")
    structlog.get_logger("four").error("unexpected error", exc_info=ValueError("a\nb"))
    assert len(lines(capsys)) == 1
