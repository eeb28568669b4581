"""Flower with our app starts only if it asks for a password, wherever that was given; other commands don't care."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from local.ports import free_port
from tests.builders import ENVIRONMENT
from tests.flower import BASIC_AUTH, answers, flower_options
from tests.stack import Stack, wait_until

EX_CONFIG = 78
OAUTH = [
    "--auth=olga@example.com",
    "--auth_provider=flower.views.auth.GithubLoginHandler",
    "--oauth2_key=key",
    "--oauth2_secret=secret",
    "--oauth2_redirect_uri=http://localhost/login",
]


def run(*words: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "celery", *words],
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(Path.cwd())} | environment,
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], variable: str) -> None:
    assert done.returncode == EX_CONFIG, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith(f"flower refuses to start: {variable}: "), line
    assert done.stdout == ""


def test_without_a_password_it_is_refused_with_how_to_make_one(tmp_path: Path) -> None:
    done = run("-A", "worker", *flower_options(free_port(), tmp_path), directory=tmp_path)
    assert_refused(done, "FLOWER_BASIC_AUTH")
    assert "set it to admin:PASSWORD" in done.stderr
    assert "openssl rand -hex 16" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value", ["", "admin", "admin:", "admin: ", "admin:s3cret,olga:", "admin:a,comma", "admin:ключ"]
)
def test_a_password_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    options = flower_options(free_port(), tmp_path)
    done = run("-A", "worker", *options, directory=tmp_path, FLOWER_BASIC_AUTH=value)
    assert_refused(done, "FLOWER_BASIC_AUTH")
    assert not value or f" {value} " not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--app=worker", "--quiet", "--no-color", "flower"),
        ("-A", "worker.celery:app", "flower", "--address=127.0.0.1"),
        ("-A", "worker", "flower", "--basic-auth="),
        ("-A", "worker", "flower", "--basic_auth=admin:"),
    ],
)
def test_it_makes_no_difference_how_it_is_called(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert_refused(run(*words, directory=tmp_path), "FLOWER_BASIC_AUTH")


def test_nor_does_it_when_a_file_of_its_own_says_so(tmp_path: Path) -> None:
    (tmp_path / "flowerconfig.py").write_text('basic_auth = ["admin:"]\n')
    done = run("-A", "worker", "flower", directory=tmp_path, FLOWER_BASIC_AUTH=BASIC_AUTH)
    assert_refused(done, "FLOWER_BASIC_AUTH")


@pytest.mark.parametrize("value", ["true", "1", "what"])
def test_an_api_for_everybody_is_refused(tmp_path: Path, value: str) -> None:
    environment = {"FLOWER_BASIC_AUTH": BASIC_AUTH, "FLOWER_UNAUTHENTICATED_API": value}
    done = run("-A", "worker", "flower", directory=tmp_path, **environment)
    assert_refused(done, "FLOWER_UNAUTHENTICATED_API")


@pytest.mark.parametrize("words", [("report",), ("flower", "--help"), ("orders", "--help")])
def test_other_commands_need_no_password_of_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run("-A", "worker", *words, directory=tmp_path, FLOWER_BASIC_AUTH="")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", ["--basic-auth", "--basic_auth", "file", "an issuer", "an API that is off"])
def test_every_way_to_give_it_one_will_do(stack: Stack, tmp_path: Path, way: str) -> None:
    port, config = free_port(), tmp_path / "config.py"
    config.write_text(f'basic_auth = ["{BASIC_AUTH}"]\n')
    options = {"file": [f"--conf={config}"], "an issuer": OAUTH, "an API that is off": []}.get(
        way, [f"{way}={BASIC_AUTH}"]
    )
    off = {"FLOWER_BASIC_AUTH": BASIC_AUTH, "FLOWER_UNAUTHENTICATED_API": "false"} if way.startswith("an API") else {}
    words = [*flower_options(port, tmp_path), *options]
    process = stack.spawn_celery("flower", *words, **off)
    url = f"http://127.0.0.1:{port}"
    wait_until(partial(answers, url), "Flower to answer", process)
    asks = httpx.codes.FOUND if way == "an issuer" else httpx.codes.UNAUTHORIZED
    assert httpx.get(f"{url}/tasks").status_code == asks
