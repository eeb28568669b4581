"""docs/runbook.md says what is so: the log lines, commands, settings and parts that it names are there."""

import re
from pathlib import Path

import pytest

from api.problems import PROBLEM_TYPES
from tests.unit.docs.test_settings_document import settings_in_code

RUNBOOK = Path("docs/runbook.md").read_text()

ENTRIES = [
    "Orders are refused with 503",
    "The API does not answer",
    "No worker",
    "Orders wait too long",
    "The queue is deep",
    "Broker down",
    "Broker without room",
    "Broker emptied",
    "Cache down",
    "MongoDB down",
    "MongoDB has no primary",
    "MongoDB's disk is full",
    "Failed orders",
    "The ledger drifts",
    "Stock is low",
    "Flower shows nothing",
    "Clocks differ",
    "Token issuer gone",
    "Callers are rate limited",
    "Two beats",
    "Unexpected errors",
    "A deploy that goes wrong",
    "Backup and restore",
]
"""Alerts link to them: a heading that changes breaks a link that somebody follows at night."""

ORDERS_COMMANDS = {"list", "show", "retry", "cancel", "sweep", "verify-stock", "relist-products", "stats"}

OF_CELERY = {
    "consumer: Connection to broker lost. Trying to re-establish the connection...",
}
"""The beginnings of log lines that are Celery's; the tests of faults have seen them."""

NO_SETTINGS = {"MONGO_URL", "FRESH_MONGO_URL", "DATA_DIR", "SSL_CERT_FILE", "API", "FILE", "SKU", "ID"}
"""Named in capitals, and read by others than the settings' own code."""


def code_of(*folders: str) -> str:
    return "".join(path.read_text() for folder in folders for path in sorted(Path(folder).rglob("*.py")))


def anchor_of(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_headings_are_those_that_alerts_link_to() -> None:
    assert re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE) == ENTRIES


@pytest.mark.parametrize("heading", ENTRIES[:-1])
def test_an_entry_says_what_you_see_why_what_to_do_and_when_it_is_over(heading: str) -> None:
    entry = RUNBOOK.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    assert re.findall(r"^\*\*(\w+)\*\*", entry, re.MULTILINE) == ["See", "Why", "Do", "Over"]


def test_every_link_leads_somewhere() -> None:
    anchors = {anchor_of(heading) for heading in ENTRIES}
    text = RUNBOOK.replace("\n", " ")
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
    for target in re.findall(r"\]\(([\w./]+\.md)", text):
        assert (Path("docs") / target).is_file(), target


def test_every_log_line_is_one_that_is_written() -> None:
    code = code_of("api", "shared", "worker")
    quoted = set(re.findall(r'"event": "([^"`]+)', RUNBOOK))
    assert len(quoted) > 10
    assert {line for line in quoted if f'"{line}"' not in code} == OF_CELERY


def test_every_setting_is_one_that_is_read() -> None:
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", RUNBOOK))
    assert "TRUSTED_PROXIES" in named
    assert named <= settings_in_code().keys() | NO_SETTINGS | {"REDIS_BROKER_URL", "REDIS_CACHE_URL"}


def test_every_command_is_one_that_is_there() -> None:
    commands = re.findall(r"`orders ([a-z-]+)", RUNBOOK)
    assert set(commands) <= ORDERS_COMMANDS
    assert len(commands) > 10
    targets = set(re.findall(r"^([a-z-]+):", Path("Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", RUNBOOK)) <= targets
    services = set(re.findall(r"^  ([a-z-]+):$", Path("docker-compose.yml").read_text(), re.MULTILINE))
    for command in re.findall(r"docker compose (?:up|exec|restart|stop|ps|logs)([^`;#\n]*)", RUNBOOK):
        words = re.sub(r"--(since|tail) \w+|--scale|=\d", "", command).split()
        assert next((word for word in words if not word.startswith("-")), "api") in services, command


def test_every_problem_type_is_one_that_is_answered() -> None:
    assert set(re.findall(r"/problems/([\w-]+)", RUNBOOK)) <= PROBLEM_TYPES.keys()
