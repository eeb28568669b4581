"""What probes ask. How the parts are judged is tests/unit/shared/services/test_check_health.py."""

import mongomock
import pytest
from pymongo.errors import ServerSelectionTimeoutError

from shared.clock import now
from shared.store.heartbeats import beat_heart


@pytest.fixture
def hello(monkeypatch) -> dict[str, object]:
    """What MongoDB answers to `hello`, which mongomock does not know."""
    answer: dict[str, object] = {"isWritablePrimary": True, "localTime": now()}
    monkeypatch.setattr(mongomock.Database, "command", lambda _self, _name, **_: answer)
    return answer


def test_the_process_answers_whatever_else_is_down(client, redis_server):
    redis_server.connected = False
    response = client.get("/livez")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


@pytest.mark.usefixtures("hello")
def test_with_all_parts_there_orders_are_accepted(client, database):
    beat_heart(database)
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.json["status"] == "ready"
    checks = response.json["checks"]
    assert 0 <= checks["worker"].pop("heartbeat_age_seconds") < 5
    assert checks == {
        "mongodb": {"state": "ok"},
        "worker": {"state": "ok"},
        "oldest_pending_order": {"state": "ok", "age_seconds": None},
        "redis_broker": {"state": "ok"},
        "redis_cache": {"state": "ok"},
    }


@pytest.mark.usefixtures("hello")
def test_without_redis_orders_are_still_accepted(client, database, redis_server):
    beat_heart(database)
    redis_server.connected = False
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json["status"] == "degraded"
    assert response.json["checks"]["redis_cache"] == {"state": "down"}


def test_without_a_primary_orders_can_not_be_accepted(client, hello):
    hello["isWritablePrimary"] = False
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["status"] == "unavailable"
    assert response.json["checks"]["mongodb"] == {"state": "down"}


def test_without_mongodb_the_answer_shows_nothing_internal(client, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ServerSelectionTimeoutError("hunter2")

    monkeypatch.setattr(mongomock.Database, "command", fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "hunter2" not in response.text
