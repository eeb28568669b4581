"""Retrying over HTTP on the real servers: a failed order is pending again, and is decided."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from shared.clock import now
from shared.domain.order import Reason, ReasonCode
from shared.services.check_health import check_health
from shared.services.decide_orders import OrderDecider
from shared.store.attempts import count_attempt, fail_order
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, bearer
from tests.mongo import assert_ledger_true, everything, find, put_orders, put_products, stock_of


def retry(client: FlaskClient, order_id: str, scope: str = "ops orders:read") -> Any:
    return client.post(f"/v1/orders/{order_id}/retry", headers=bearer("operator", scope))


@pytest.fixture
def failed(database: Database[Document]) -> str:
    put_products(database, a_product("MUG", stock=5))
    [order_id] = put_orders(database, an_order(a_line("MUG", 2)))
    count_attempt(database, order_id, error="KeyError: 'x'", worker="worker-1", at=now())
    fail_order(database, order_id, Reason(ReasonCode.UNPROCESSABLE), at=now())
    return order_id


def test_a_failed_order_is_pending_again_and_decided(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, failed: str
) -> None:
    response = retry(client, failed)

    assert response.status_code == 202
    assert (response.json["status"], response.json["reason"]) == ("pending", None)
    assert response.headers["Location"] == f"/v1/orders/{failed}"
    assert "Retry-After" in response.headers
    decider.decide([failed])
    document = find(database, failed)
    assert [entry["status"] for entry in document["history"]] == ["pending", "failed", "pending", "confirmed"]
    assert "error" not in document
    assert document["attempts"] == 0
    assert stock_of(database, "MUG") == 3
    assert_ledger_true(database)


def test_the_sweeper_will_find_it_when_its_message_is_lost(
    client: FlaskClient, database: Database[Document], failed: str
) -> None:
    database.orders.update_one({"_id": failed}, {"$set": {"announce_interval_seconds": 300}})
    before = now()

    retry(client, failed)

    document = find(database, failed)
    assert document["announce_interval_seconds"] == 10
    assert before <= document["next_announce_at"] - timedelta(seconds=10) <= now()


def test_it_counts_as_waiting_since_it_was_retried(
    client: FlaskClient, database: Database[Document], failed: str
) -> None:
    database.orders.update_one({"_id": failed}, {"$set": {"created_at": now() - timedelta(days=7)}})

    retry(client, failed)

    assert check_health(database, {}).checks["oldest_pending_order"].figures["age_seconds"] < 60


@pytest.mark.parametrize("status", ["pending", "confirmed", "rejected", "cancelled"])
def test_only_a_failed_order_can_be_retried(client: FlaskClient, database: Database[Document], status: str) -> None:
    [order_id] = put_orders(database, an_order())
    database.orders.update_one({"_id": order_id}, {"$set": {"status": status}})
    before = everything(database)

    response = retry(client, order_id)

    assert response.status_code == 409
    assert response.json["type"] == "/problems/order-not-retryable"
    assert response.json["order_status"] == status
    assert everything(database) == before


def test_of_two_who_retry_one_does(client: FlaskClient, failed: str) -> None:
    assert [retry(client, failed).status_code for _ in range(2)] == [202, 409]


def test_no_order_can_not_be_retried(client: FlaskClient) -> None:
    assert retry(client, "no-such-order").status_code == 404
