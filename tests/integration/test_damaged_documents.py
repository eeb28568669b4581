"""One document that somebody has damaged is no reason to stop for all the others."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS
from flask.testing import FlaskClient
from pymongo.database import Database

from shared.clock import now
from shared.services.check_health import check_health
from shared.services.decide_orders import OrderDecider
from shared.services.sweep_orders import sweep_orders
from shared.store.connection import Document
from shared.store.oldest_pending import oldest_pending
from tests.builders import a_line, a_product, an_order, bearer, settings
from tests.mongo import assert_ledger_true, find, put_orders, put_products, status_of
from tests.operators import celery, complaint, orders, orders_json
from tests.stack import Stack

ITEMS = [None, "garbage", [], [5], [{"sku": "MUG"}], [{"sku": "MUG", "quantity": "two", "unit_price": None}]]


def damaged(database: Database[Document], **fields: Any) -> str:
    [order_id] = put_orders(database, an_order(a_line("MUG")))
    database.orders.update_one({"_id": order_id}, {"$set": fields})
    return order_id


@pytest.mark.parametrize("interval", ["10", float("nan"), -(10**15), None, 2**62], ids=str)
def test_an_interval_that_is_none_stops_no_sweep(database: Database[Document], interval: object) -> None:
    bad = damaged(database, announce_interval_seconds=interval)
    [good] = put_orders(database, an_order())
    announced: list[str] = []

    sweep_orders(database, announced.extend, lambda: 0, settings())

    assert sorted(announced) == sorted([bad, good])
    assert timedelta(0) < find(database, bad)["next_announce_at"] - now() <= timedelta(seconds=300)


def test_an_id_of_another_type_takes_nobody_along(database: Database[Document]) -> None:
    document = find(database, damaged(database))
    database.orders.insert_one({**document, "_id": ObjectId()})
    announced: list[str] = []

    sweep_orders(database, announced.extend, lambda: 0, settings())

    assert announced == [document["_id"]]


@pytest.mark.parametrize("at", [2**55, -(2**55)])
def test_a_date_beyond_those_that_python_has_takes_nobody_along(database: Database[Document], at: int) -> None:
    damaged(database, updated_at=DatetimeMS(at))
    [waiting] = put_orders(database, an_order(updated_at=now() - timedelta(seconds=90)))
    database.heartbeats.insert_one({"_id": "worker", "at": DatetimeMS(at)})

    checks = check_health(database, {}).checks

    assert (checks["mongodb"].state, checks["worker"].state) == ("ok", "down")
    assert checks["oldest_pending_order"].state == "late"
    oldest = oldest_pending(database)
    assert oldest is not None
    assert oldest.order_id == waiting


def test_an_order_without_a_date_is_announced(database: Database[Document]) -> None:
    order_id = damaged(database, next_announce_at=None)
    announced: list[str] = []
    sweep_orders(database, announced.extend, lambda: 0, settings())
    assert announced == [order_id]


@pytest.mark.parametrize(
    "fields", [{"attempts": "1"}, {"attempts": None}, {"history": None}, {"history": "x"}], ids=str
)
def test_an_order_that_can_not_be_counted_up_fails_all_the_same(
    database: Database[Document], decider: OrderDecider, fields: dict[str, Any]
) -> None:
    put_products(database, a_product("MUG"))
    order_id = damaged(database, items="garbage", **fields)
    decider.decide([order_id])
    failed = find(database, order_id)
    assert (failed["status"], failed["reason"]["code"]) == ("failed", "unprocessable")
    assert failed["history"][-1]["status"] == "failed"


@pytest.mark.parametrize("updated_at", ["x", 5, None], ids=str)
def test_readiness_is_told_by_the_others(database: Database[Document], updated_at: object) -> None:
    damaged(database, updated_at=updated_at)
    put_orders(database, an_order(updated_at=now() - timedelta(seconds=20)))
    database.heartbeats.insert_one({"_id": "worker", "at": "yesterday"})
    checks = check_health(database, {}).checks
    assert 20 <= checks["oldest_pending_order"].figures["age_seconds"] < 40
    assert checks["worker"].state == "down"


@pytest.mark.parametrize("items", ITEMS, ids=str)
def test_an_order_whose_lines_are_damaged_is_shown_and_retried_without_them(
    stack: Stack, database: Database[Document], decider: OrderDecider, client: FlaskClient, items: object
) -> None:
    put_products(database, a_product("MUG"))
    bad, [good] = damaged(database, items=items), put_orders(database, an_order(a_line("MUG")))
    decider.decide([bad, good])
    assert (status_of(database, bad), status_of(database, good)) == ("failed", "confirmed")
    assert "items is no list of lines" in find(database, bad)["error"]["text"]

    customer = find(database, bad)["customer"]
    listed = client.get("/v1/orders", headers=bearer(customer)).json["items"]
    assert [order["id"] for order in listed] == [good, bad]
    assert client.get(f"/v1/orders/{bad}", headers=bearer(customer)).json["items"] == []
    assert bad in orders(stack, "list", "--status", "failed")
    assert orders_json(stack, "show", bad)["items"] == []
    assert orders_json(stack, "retry", "--all-failed")["orders"] == [{"id": bad, "status": "pending", "problem": None}]
    assert_ledger_true(database)


def test_an_order_that_can_not_be_read_at_all_is_named_and_the_others_are_listed(
    stack: Stack, database: Database[Document], client: FlaskClient
) -> None:
    bad, [good] = damaged(database, created_at=None, history=None), put_orders(database, an_order())
    customer = find(database, good)["customer"]
    assert [order["id"] for order in client.get("/v1/orders", headers=bearer(customer)).json["items"]] == [good]
    listed = celery(stack, "orders", "list")
    assert good in listed.stdout
    assert f"what is stored of the order {bad} can't be read" in listed.stderr
    assert "can't be read" in complaint(stack, "show", bad, status=1)
    assert "can't be read" in orders(stack, "cancel", bad, status=1)


def test_a_value_of_a_strange_type_keeps_no_other_order_from_being_listed(
    client: FlaskClient, database: Database[Document]
) -> None:
    reference = ObjectId()
    bad = damaged(database, reference=reference)
    [good] = put_orders(database, an_order())

    listed = client.get("/v1/orders", headers=bearer()).json["items"]
    assert [(order["id"], order["reference"]) for order in listed] == [(good, None), (bad, str(reference))]
    assert client.get(f"/v1/orders/{bad}", headers=bearer()).json["reference"] == str(reference)


def test_a_ledger_that_can_not_be_read_can_not_be_told(stack: Stack, database: Database[Document]) -> None:
    put_products(database, a_product("MUG"))
    database.products.update_one({}, {"$set": {"stock": "many"}})
    assert "can't be read" in complaint(stack, "verify-stock")
