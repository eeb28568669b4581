"""Start-up refuses what can't keep the promises, in one clear line each, as the real commands."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local.ports import free_port
from local.server_commands import mongod_command
from local.servers import Server, find_mongod
from tests.builders import ENVIRONMENT

COMMANDS = {
    "api": [sys.executable, "-m", "api"],
    "worker": [sys.executable, "-m", "celery", "-A", "worker", "worker", "-n", "startup@test"],
}
EX_CONFIG = 78


@pytest.fixture(scope="module")
def standalone_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mongod that is no member of a replica set."""
    directory, port = tmp_path_factory.mktemp("standalone"), free_port()
    command = mongod_command(find_mongod(), directory, port)
    without_set = [word for word in command if word not in ("--replSet", "rs0")]
    process = subprocess.Popen(without_set, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"mongodb://127.0.0.1:{port}/order_processor"
    deadline = time.monotonic() + 30
    with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=500) as client:
        while time.monotonic() < deadline:
            with suppress(PyMongoError):
                client.admin.command("ping")
                break
    yield url
    process.terminate()
    process.wait(20)


def refusal(part: str, environment: dict[str, str]) -> list[str]:
    """The lines of a start that must fail with the status of a wrong configuration."""
    clean = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    done = subprocess.run(
        COMMANDS[part], env=clean | environment, capture_output=True, text=True, timeout=60, check=False
    )
    lines = [line for line in done.stderr.splitlines() if "refuses to start" in line]
    assert done.returncode == EX_CONFIG, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return lines


@pytest.mark.parametrize("part", COMMANDS)
def test_a_standalone_mongodb_is_refused_with_how_to_mend_it(part: str, standalone_url: str) -> None:
    [line] = refusal(part, ENVIRONMENT | {"MONGO_URL": standalone_url})
    assert line.startswith(f"{part} refuses to start: MONGO_URL: this MongoDB runs standalone")
    assert "--replSet rs0" in line


@pytest.mark.parametrize("part", COMMANDS)
def test_a_mongodb_that_is_not_there_is_refused(part: str) -> None:
    [line] = refusal(part, ENVIRONMENT)
    assert "MONGO_URL: no MongoDB primary can be reached" in line


@pytest.mark.parametrize("part", COMMANDS)
def test_each_setting_that_is_missing_or_does_not_parse_is_a_line(part: str) -> None:
    wrong = {"MONGO_URL": "localhost:27017", "REDIS_CACHE_URL": "redis://x/0", "DECIDE_BATCH_MAX": "many"}
    lines = refusal(part, {"JWT_SECRET": ENVIRONMENT["JWT_SECRET"]} | wrong)
    assert lines == [
        f"{part} refuses to start: MONGO_URL: Must start with mongodb:// or mongodb+srv://",
        f"{part} refuses to start: REDIS_BROKER_URL: Environment variable not set.",
        f"{part} refuses to start: DECIDE_BATCH_MAX: Not a valid integer.",
    ]


@pytest.mark.parametrize("secret", ["", "short", "changeme-changeme-changeme-changeme", "a" * 64])
def test_a_missing_or_placeholder_jwt_secret_is_refused_and_never_shown(secret: str) -> None:
    lines = refusal("api", ENVIRONMENT | {"JWT_SECRET": secret})
    assert len(lines) == 1
    assert "JWT_SECRET" in lines[0]
    assert not secret or secret not in lines[0]


def test_a_working_mongod_with_another_set_name_is_refused(mongod: Server) -> None:
    url = f"mongodb://127.0.0.1:{mongod.port}/order_processor?replicaSet=other"
    [line] = refusal("api", ENVIRONMENT | {"MONGO_URL": url})
    assert "replicaSet=" in line


def test_beat_leaves_no_files_behind(tmp_path: Path, redis_broker: Server) -> None:
    """It keeps no schedule file, since its work is intervals only; nothing can be corrupted by a kill."""
    environment = ENVIRONMENT | {"REDIS_BROKER_URL": redis_broker.url, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "celery", "-A", "worker", "beat"],
        env=os.environ | environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as beat:
        assert beat.stdout is not None
        try:
            assert any(b"SteadyScheduler" in line for line in beat.stdout)
        finally:
            beat.terminate()
    assert list(tmp_path.iterdir()) == []
