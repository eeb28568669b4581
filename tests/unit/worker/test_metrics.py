"""What beat tells of the whole system at a scrape, also when parts of it are away."""

from typing import Any

import mongomock
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.domain.order import Status
from shared.store.documents import order_document
from shared.store.heartbeats import beat_heart
from tests.builders import an_order
from tests.scrape import Metrics
from worker.metrics import SystemCollector


def fine() -> None:
    pass


def broken() -> None:
    raise ConnectionError("gone")


@pytest.fixture(autouse=True)
def depths(monkeypatch) -> dict[str, int]:
    depths = {"orders": 12, "maintenance": 0}
    monkeypatch.setattr("worker.metrics.queue_depths", lambda _celery: depths)
    return depths


@pytest.fixture(autouse=True)
def hello(monkeypatch) -> dict[str, object]:
    """What MongoDB answers to `hello`, which mongomock does not know."""
    answer: dict[str, object] = {"isWritablePrimary": True, "localTime": now()}
    monkeypatch.setattr(mongomock.Database, "command", lambda _self, _name, **_: answer)
    return answer


def scrape(database: Any, **probes: Any) -> Metrics:
    registry = CollectorRegistry()
    registry.register(SystemCollector(database, None, probes))
    return Metrics(generate_latest(registry).decode())


def test_with_all_parts_there_it_tells_what_operators_look_at(database):
    beat_heart(database)
    database.orders.insert_one(order_document(an_order(), announce_after_seconds=10))
    failed = order_document(an_order(), announce_after_seconds=10) | {"status": Status.FAILED.value}
    database.orders.insert_one(failed)
    metrics = scrape(database, redis_broker=fine, redis_cache=broken)
    assert metrics.total("part_up", part="mongodb") == 1
    assert metrics.total("part_up", part="redis_broker") == 1
    assert metrics.total("part_up", part="redis_cache") == 0
    assert metrics.total("queue_messages", queue="orders") == 12
    assert metrics.total("failed_orders") == 1
    assert "order_processor_worker_heartbeat_age_seconds" in metrics.names()
    assert "order_processor_oldest_pending_order_age_seconds" in metrics.names()


def test_nothing_pending_is_an_age_of_zero(database):
    [sample] = [s for s in scrape(database).samples if s.name == "order_processor_oldest_pending_order_age_seconds"]
    assert sample.value == 0


def test_what_can_not_be_told_is_left_out(database, hello, monkeypatch):
    hello["isWritablePrimary"] = False

    def away(*_: object, **__: object) -> None:
        raise Unavailable("it")

    monkeypatch.setattr("worker.metrics.queue_depths", away)
    monkeypatch.setattr("worker.metrics.count_orders", away)
    assert scrape(database, redis_broker=broken).names() == {"order_processor_part_up"}
    assert scrape(database).total("part_up") == 0
