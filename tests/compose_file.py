"""docker-compose.yml and the images behind it, read: for tests that run them, and of what must agree with them."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.stack import SECRET

PROJECT = Path(__file__).resolve().parents[1]
FILE = (PROJECT / "docker-compose.yml").read_text()
OVERRIDE = (PROJECT / "docker-compose.override.yml").read_text()
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+):(?P<kind>[?-])(?P<text>[^}]*)\}")
GIVEN = {"JWT_SECRET": SECRET, "FLOWER_PASSWORD": "f1owerPassword"}
IMAGES = {"order-processor-api": "Dockerfile.api", "order-processor-worker": "Dockerfile.worker"}
OURS = {"api", "worker", "beat", "flower"}


@dataclass(frozen=True, slots=True)
class Image:
    packages: list[str]
    user: str
    command: list[str]
    health_check: list[str]


def image_of(dockerfile: str) -> Image:
    text = (PROJECT / dockerfile).read_text().replace("\\\n", "")

    def only(pattern: str) -> str:
        [found] = re.findall(pattern, text, re.MULTILINE)
        return str(found)

    return Image(
        packages=re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE),
        user=only(r"^USER (.+)$"),
        command=json.loads(only(r"^CMD (\[.+\])$")),
        health_check=json.loads(only(r"^HEALTHCHECK .*CMD (\[.+\])$")),
    )


@cache
def services() -> dict[str, dict[str, Any]]:
    """The services with the variables filled in, as with an .env that gives the secrets alone."""
    return services_of(FILE)


def services_of(file: str) -> dict[str, dict[str, Any]]:
    default = {match["name"]: match["text"] for match in VARIABLE.finditer(file) if match["kind"] == "-"}
    text = VARIABLE.sub(lambda match: (default | GIVEN)[match["name"]], file)
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def command_of(service: str) -> list[str]:
    spec = services()[service]
    return spec.get("command") or image_of(IMAGES[spec["image"]]).command


def health_check_of(service: str) -> list[str]:
    spec = services()[service]
    if "healthcheck" not in spec:
        return image_of(IMAGES[spec["image"]]).health_check
    kind, *command = spec["healthcheck"]["test"]
    assert kind == "CMD"
    return command
