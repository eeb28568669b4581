"""The health check of a worker's container: its exit status, what it says when it fails, and what it does without."""

import subprocess
import sys
from datetime import timedelta

import mongomock
import pytest

from shared.clock import now
from shared.services.check_health import HEARTBEAT_SECONDS_MAX
from shared.store.connection import connect
from shared.store.heartbeats import beat_heart
from tests.builders import ENVIRONMENT
from worker import alive


@pytest.fixture(autouse=True)
def hello(monkeypatch, database) -> dict[str, object]:
    """What MongoDB answers to `hello`, which mongomock does not know; the settings lead to it."""
    answer: dict[str, object] = {"isWritablePrimary": True, "localTime": now()}
    monkeypatch.setattr(mongomock.Database, "command", lambda _self, _name, **_: answer)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(alive, "connect", lambda url, **_: {ENVIRONMENT["MONGO_URL"]: database}[url])
    return answer


def test_while_workers_sweep_it_is_content_and_silent(database, capsys):
    beat_heart(database)
    assert (alive.main(), *capsys.readouterr()) == (0, "", "")


def test_a_heartbeat_that_is_old_is_said_with_its_age(database, capsys, hello):
    beat_heart(database)
    hello["localTime"] = now() + timedelta(seconds=HEARTBEAT_SECONDS_MAX + 5)
    assert (alive.main(), *capsys.readouterr()) == (1, "", "worker is not alive: nothing was swept for 20 s\n")


def test_so_is_that_there_never_was_one(capsys):
    assert (alive.main(), *capsys.readouterr()) == (1, "", "worker is not alive: nothing was ever swept\n")


def test_so_is_a_mongodb_that_would_know(database, capsys, hello):
    beat_heart(database)
    hello["isWritablePrimary"] = False
    assert alive.main() == 1
    assert capsys.readouterr().err == "worker is not alive: MongoDB is away, has no primary, or takes no writes\n"


@pytest.mark.parametrize(("url", "said"), [("", "MONGO_URL: "), ("mongodb://user:hunter2/x@db", "not a MongoDB URL")])
def test_a_setting_that_is_wrong_is_said_in_a_line_and_not_shown(monkeypatch, capsys, url, said):
    monkeypatch.setattr(alive, "connect", connect)
    monkeypatch.setenv("MONGO_URL", url)
    assert alive.main() == 1
    text = capsys.readouterr().err
    assert text.startswith("worker is not alive: ")
    assert said in text
    assert "hunter2" not in text
    assert text.count("\n") == 1


def test_it_does_not_import_celerys_app():
    script = "import sys, worker.alive; sys.exit('celery' in sys.modules or 'worker.celery' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
