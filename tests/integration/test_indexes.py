"""Every query of the normal way is served by an index: none scans a collection."""

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database
from redis import Redis

from shared.cache import make_product_cache
from shared.domain.idempotency import Idempotency
from shared.domain.order import Status
from shared.notices import FinishedOrders
from shared.services.decide_orders import OrderDecider
from shared.services.sweep_orders import sweep_orders
from shared.services.verify_stock import verify_stock
from shared.store.connection import Document
from shared.store.heartbeats import beat_heart, last_heartbeat
from shared.store.order_details import find_details
from shared.store.order_list import OrderQuery, list_orders
from shared.store.order_stats import order_stats
from shared.store.orders import Submission, find_order, insert_orders, oldest_pending
from shared.store.products import find_product
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import put_orders, put_products


@pytest.fixture
def profiled(database: Database[Document]) -> Database[Document]:
    """Some data, and MongoDB's profiler on: it keeps each operation with the plan that served it."""
    put_products(database, *(a_product(f"SKU-{n}") for n in range(50)))
    put_orders(database, *(an_order(a_line(f"SKU-{n % 50}")) for n in range(200)))
    database.command("profile", 2)
    return database


def test_no_query_of_the_orders_way_scans_a_collection(profiled: Database[Document], redis: Redis) -> None:
    order = an_order(a_line("SKU-1"))
    keyed = Submission(order, Idempotency("key", "fingerprint"))
    repeated = Submission(an_order(a_line("SKU-1")), Idempotency("key", "fingerprint"))
    steps: list[Callable[[], Any]] = [
        lambda: insert_orders(profiled, [keyed, repeated], announce_after_seconds=10),
        lambda: sweep_orders(profiled, lambda _: None, lambda: 0, settings()),
        lambda: decide(profiled, redis, [order.order_id]),
        lambda: find_order(profiled, order.order_id),
        lambda: find_product(profiled, "SKU-1"),
        lambda: oldest_pending(profiled),
        lambda: beat_heart(profiled),
        lambda: last_heartbeat(profiled),
    ]
    for step in steps:
        step()

    profiled.command("profile", 0)
    plans = [(entry["ns"].split(".")[1], entry["op"], str(entry.get("planSummary"))) for entry in operations(profiled)]
    assert {collection for collection, _, _ in plans} >= {"orders", "products", "stock_movements", "heartbeats"}
    assert [plan for plan in plans if "COLLSCAN" in plan[2]] == []


def test_no_question_of_operators_scans_a_collection(profiled: Database[Document], redis: Redis) -> None:
    [order_id] = put_orders(profiled, an_order(a_line("SKU-1")))
    decide(profiled, redis, [order_id])
    profiled.orders.update_many({"customer": "alice"}, {"$set": {"attempts": 1}})
    forget(profiled)

    list_orders(profiled, OrderQuery(status=Status.FAILED), after=None, limit=50, oldest_first=True)
    find_details(profiled, order_id)
    stats = order_stats(profiled)
    report = verify_stock(profiled, "SKU-1")

    profiled.command("profile", 0)
    assert (stats.by_status[Status.PENDING].value, stats.pending_with_attempts.value) == (200, 200)
    assert (report.skus, report.orders, report.drifts) == (1, 1, [])
    asked = operations(profiled)
    assert {entry["ns"].split(".")[1] for entry in asked} >= {"orders", "products", "stock_movements", "heartbeats"}
    assert [entry for entry in asked if "COLLSCAN" in str(entry.get("planSummary"))] == []


def test_orders_are_counted_by_the_index_alone_and_to_a_limit(profiled: Database[Document]) -> None:
    forget(profiled)
    pending = order_stats(profiled, count_max=150).by_status[Status.PENDING]
    profiled.command("profile", 0)

    assert (pending.value, pending.more) == (150, True)
    [count] = [
        entry["docsExamined"]
        for entry in operations(profiled)
        if entry["command"].get("pipeline", [{}])[0].get("$match") == {"status": "pending"}
    ]
    assert count == 0


def test_the_test_would_see_a_scan(profiled: Database[Document]) -> None:
    list(profiled.orders.find({"reference": "r"}))
    profiled.command("profile", 0)
    assert any("COLLSCAN" in str(entry.get("planSummary")) for entry in operations(profiled))


def forget(database: Database[Document]) -> None:
    """What the profiler has kept until now; it can only be dropped while it is off."""
    database.command("profile", 0)
    database["system.profile"].drop()
    database.command("profile", 2)


def operations(database: Database[Document]) -> list[Document]:
    return list(database["system.profile"].find({"ns": {"$not": {"$regex": "system"}}}))


def decide(database: Database[Document], redis: Redis, order_ids: list[str]) -> None:
    decider = OrderDecider(database, make_product_cache(redis, settings()), FinishedOrders(redis), settings())
    decider.decide(order_ids)
    decider.close(10)
