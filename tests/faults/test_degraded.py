"""What is missing is named by /readyz, and orders are accepted all the same as long as MongoDB is there."""

from datetime import timedelta

import pytest

from local.servers import Server
from shared.clock import now
from shared.services.check_health import HEARTBEAT_SECONDS_MAX
from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products
from tests.rush import Purchase, rush
from tests.stack import Stack, wait_until


def test_without_a_worker_orders_are_accepted_and_wait_for_one(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=30))
    stack.start_api()
    stack.start_beat()
    with stack.client() as client:
        answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(40)])
        assert {answer.status_code for answer in answers} == {202}
        health = client.get("/readyz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["checks"]["worker"] == {"state": "down"}
        assert health.json()["checks"]["oldest_pending_order"]["age_seconds"] > 0

        stack.start_worker()
        stack.wait_until_decided()
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the system to be ready")
        health = client.get("/readyz")
        assert health.json()["checks"]["oldest_pending_order"] == {"state": "ok", "age_seconds": None}
    assert stack.database.orders.count_documents({"status": "confirmed"}) == 30
    assert stack.database.orders.count_documents({"status": "rejected"}) == 10
    assert_ledger_true(stack.database)


def test_a_worker_that_has_not_swept_for_a_while_is_stale(stack: Stack) -> None:
    stack.start_api()
    last_swept = now() - timedelta(seconds=HEARTBEAT_SECONDS_MAX + 1)
    stack.database.heartbeats.insert_one({"_id": "worker", "at": last_swept})
    with stack.client() as client:
        health = client.get("/readyz")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    worker = health.json()["checks"]["worker"]
    assert worker["state"] == "stale"
    assert worker["heartbeat_age_seconds"] > HEARTBEAT_SECONDS_MAX


@pytest.mark.parametrize("fault", ["killed", "hanging"])
def test_a_broker_that_is_away_is_named_and_orders_are_accepted(stack: Stack, redis_broker: Server, fault: str) -> None:
    put_products(stack.database, a_product("MUG", stock=30))
    stack.start_api()
    stack.start_worker()
    stack.start_beat()
    with stack.client() as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the system to be ready")
        redis_broker.kill() if fault == "killed" else redis_broker.pause()

        health = client.get("/readyz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["checks"]["redis_broker"] == {"state": "down"}
        assert health.json()["checks"]["mongodb"] == {"state": "ok"}
        order = client.post("/v1/orders", json={"items": [{"sku": "MUG", "quantity": 1}]})
        assert order.status_code == 202

        redis_broker.start() if fault == "killed" else redis_broker.resume()
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the system to be ready again")
        stack.wait_until_decided()
    assert_ledger_true(stack.database)
