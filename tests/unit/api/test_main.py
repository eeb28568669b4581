"""`python -m api`: it refuses to start, or becomes Granian with what the settings say."""

import os
import runpy
import sys
from collections.abc import Iterator
from itertools import pairwise
from unittest.mock import patch

import pytest

from tests.builders import ENVIRONMENT


@pytest.fixture
def done(monkeypatch) -> list[object]:
    """What starting did, in order."""
    done: list[object] = []
    monkeypatch.setattr("shared.startup.prepare_database_or_refuse", lambda *args: done.append(args))
    monkeypatch.setattr(os, "execv", lambda _path, command: done.append(command))
    return done


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    with patch.dict(os.environ, {**ENVIRONMENT, "API_HOST": "::", "API_PORT": "81", "API_PROCESSES": "3"}, clear=True):
        yield


def start() -> None:
    runpy.run_module("api", run_name="__main__")


def test_it_prepares_the_database_and_then_becomes_granian(done):
    start()
    prepared, command = done
    assert prepared == ("api", ENVIRONMENT["MONGO_URL"])
    assert command[:3] == [sys.executable, "-m", "granian"]
    assert command[-1] == "api.process:make_app"
    options = dict(pairwise(command[3:]))
    assert options["--interface"] == "wsgi"
    assert options["--host"] == "::"
    assert options["--port"] == "81"
    assert options["--workers"] == "3"
    assert options["--blocking-threads"] == str(64 + 64 + 128)
    assert options["--http"] == "1"
    assert "--factory" in command


def test_the_secret_is_not_among_the_arguments_which_everyone_on_the_machine_can_read(done):
    start()
    assert ENVIRONMENT["JWT_SECRET"] not in " ".join(done[1])


def test_with_invalid_settings_it_touches_nothing(done, capsys):
    del os.environ["JWT_SECRET"]
    with pytest.raises(SystemExit) as end:
        start()
    assert end.value.code == 78
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("api refuses to start: JWT_SECRET: Environment variable not set;")
    assert done == []


def test_without_a_place_for_metrics_it_starts_all_the_same(done, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    os.environ |= {"METRICS_PORT": "9100", "PROMETHEUS_MULTIPROC_DIR": "of someone else"}
    start()
    assert done[1][-1] == "api.process:make_app"
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("api has no directory for metrics: FileNotFoundError")
