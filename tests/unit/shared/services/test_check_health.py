"""Health, part by part: only MongoDB decides whether orders are accepted."""

from datetime import timedelta

import mongomock
import pytest

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.services.check_health import HEARTBEAT_SECONDS_MAX, MONGODB_DOWN, Check, check_health
from shared.store.documents import order_document
from shared.store.heartbeats import beat_heart
from tests.builders import an_order


def fine() -> None:
    pass


def broken() -> None:
    raise ConnectionError("gone")


@pytest.fixture(autouse=True)
def hello(monkeypatch) -> dict[str, object]:
    """What MongoDB answers to `hello`, which mongomock does not know."""
    answer: dict[str, object] = {"isWritablePrimary": True, "localTime": now()}
    monkeypatch.setattr(mongomock.Database, "command", lambda _self, _name, **_: answer)
    return answer


def test_with_all_parts_there_it_is_ready(database):
    beat_heart(database)
    health = check_health(database, {"redis": fine})
    assert health.status == "ready"
    assert {name: check.state for name, check in health.checks.items()} == {
        "mongodb": "ok",
        "worker": "ok",
        "oldest_pending_order": "ok",
        "redis": "ok",
    }


def test_a_probe_that_raises_is_down_and_degrades(database):
    beat_heart(database)
    health = check_health(database, {"broker": broken, "cache": fine})
    assert health.status == "degraded"
    assert (health.checks["broker"], health.checks["cache"]) == (Check("down"), Check("ok"))


def test_without_a_worker_it_is_degraded(database):
    health = check_health(database, {})
    assert health.status == "degraded"
    assert health.checks["worker"] == Check("down")


def test_a_worker_that_was_not_heard_of_for_long_is_stale(database, hello):
    beat_heart(database)
    hello["localTime"] = now() + timedelta(seconds=HEARTBEAT_SECONDS_MAX + 1)
    health = check_health(database, {})
    assert health.status == "degraded"
    assert health.checks["worker"].state == "stale"
    assert health.checks["worker"].figures["heartbeat_age_seconds"] >= HEARTBEAT_SECONDS_MAX + 1


def test_the_age_of_the_oldest_pending_order_is_told(database):
    assert check_health(database, {}).checks["oldest_pending_order"].figures == {"age_seconds": None}
    old = an_order(updated_at=now() - timedelta(seconds=90))
    database.orders.insert_one(order_document(old, announce_after_seconds=10))
    age = check_health(database, {}).checks["oldest_pending_order"].figures["age_seconds"]
    assert 85 <= age < 95


def test_no_age_is_negative(database, hello):
    beat_heart(database)
    hello["localTime"] = now() - timedelta(minutes=1)
    assert check_health(database, {}).checks["worker"].figures == {"heartbeat_age_seconds": 0.0}


def test_a_secondary_can_not_accept_orders(database, hello):
    hello["isWritablePrimary"] = False
    health = check_health(database, {"redis": fine})
    assert health.status == "unavailable"
    assert health.checks == {**MONGODB_DOWN, "redis": Check("ok")}


def test_without_mongodb_it_is_unavailable_and_the_other_parts_are_still_told(database, monkeypatch):
    def unreachable(*_: object, **__: object) -> None:
        raise Unavailable("MongoDB")

    monkeypatch.setattr(mongomock.Database, "command", unreachable)
    health = check_health(database, {"redis": broken})
    assert health.status == "unavailable"
    assert health.checks == {
        "mongodb": Check("down"),
        "worker": Check("unknown"),
        "oldest_pending_order": Check("unknown"),
        "redis": Check("down"),
    }
