"""deploy/railway and its document: what compose runs, variables that are read, files that are there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.compose_file import IMAGES, OURS, command_of, services
from tests.unit.docs.test_settings_document import settings_in_code

FOLDER = Path("deploy/railway")
DOCUMENT = Path("docs/deploy-railway.md").read_text()
TABLES = re.findall(r"^\| `(.+)$", DOCUMENT, re.MULTILINE)

OF_OTHERS = {"FLOWER_BASIC_AUTH", "METRICS_HOST", "METRICS_PORT", "PORT"}
"""Flower's own, those of the metrics, and Railway's."""

PERSISTENT = {"--persistent=True", "--db=/data/flower", "--state_save_interval=10000"}
"""Of Flower, which has no volume there: those of Railway belong to root."""

[FLOWER_ROW] = [row for row in TABLES if row.startswith("flower`")]


def file_of(service: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{service}.json").read_text()))


def test_there_is_a_file_for_each_of_ours_and_the_document_names_them() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == OURS
    assert set(re.findall(r"`/deploy/railway/(\w+)\.json`", DOCUMENT)) == OURS


@pytest.mark.parametrize("service", sorted(OURS))
def test_it_is_built_and_run_as_by_compose(service: str) -> None:
    build, deploy = file_of(service)["build"], file_of(service)["deploy"]
    assert (build["builder"], build["dockerfilePath"]) == ("DOCKERFILE", IMAGES[services()[service]["image"]])
    assert deploy["startCommand"].split() == [word for word in command_of(service) if word not in PERSISTENT]
    grace = int(services()[service].get("stop_grace_period", "10s").removesuffix("s"))
    # A number: as a string, which Railway's own example once was, it is refused.
    assert deploy["drainingSeconds"] == grace


@pytest.mark.parametrize("service", sorted(OURS))
def test_what_it_watches_is_there_and_all_that_its_image_is_made_of(service: str) -> None:
    build = file_of(service)["build"]
    watched = {pattern.removesuffix("/**").removeprefix("/") for pattern in build["watchPatterns"]}
    assert all(Path(path).exists() for path in watched)
    copied = re.findall(r"^COPY (?!--from)(\S+) ", Path(build["dockerfilePath"]).read_text(), re.MULTILINE)
    assert set(copied) | {build["dockerfilePath"]} <= watched


def test_the_api_is_asked_whether_it_is_ready() -> None:
    assert file_of("api")["deploy"]["healthcheckPath"] == "/readyz"
    assert '"/readyz"' in Path("api/operations.py").read_text()


def test_only_the_api_gets_a_domain() -> None:
    """Flower's /metrics and /healthcheck ask for no password."""
    assert "Only `api` gets a domain" in DOCUMENT
    assert "know that its `/metrics` and `/healthcheck` ask for no password" in " ".join(DOCUMENT.split())
    assert "PORT" not in FLOWER_ROW, "which Railway would take for what it may serve"


def test_every_variable_of_ours_is_one_that_is_read() -> None:
    of_all, of_each = DOCUMENT.split("## 3. ")[1].split("## 4. ")
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", of_all, re.MULTILINE))
    rows = [row for row in of_each.splitlines() if row.startswith("| `")]
    named |= {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert {"MONGO_URL", "API_HOST", "FLOWER_BASIC_AUTH"} <= named
    assert named <= settings_in_code().keys() | OF_OTHERS


def test_the_servers_are_told_what_compose_tells_them() -> None:
    for words in (["--replSet", "rs0"], ["transactionLifetimeLimitSeconds=10"], ["--ipv6", "--bind_ip_all"]):
        assert " ".join(words) in DOCUMENT
    for server in ("redis-broker", "redis-cache"):
        [row] = [row for row in TABLES if row.startswith(f"{server}`") and "redis-server" in row]
        told = command_of(server)[1:]
        pairs = [f"{name} {value or chr(34) * 2}" for name, value in zip(told[::2], told[1::2], strict=True)]
        assert all(pair in row for pair in pairs), server


@pytest.mark.parametrize("document", ["deploy-railway", "deploy-kubernetes"])
def test_every_link_leads_somewhere(document: str) -> None:
    text = Path(f"docs/{document}.md").read_text()
    targets = re.findall(r"\]\(((?!https)[^)]+)\)", text)
    assert targets
    for target in targets:
        path, _, anchor = target.partition("#")
        file = Path("docs") / path
        assert file.exists(), target
        headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE) if anchor else [""]
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}, target
