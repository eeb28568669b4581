"""Every query of the normal way is served by an index: none scans a collection."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.collection import Collection
from pymongo.database import Database
from redis import Redis

from shared.cache import make_product_cache
from shared.domain.idempotency import Idempotency
from shared.domain.order import Status
from shared.notices import FinishedOrders
from shared.services.decide_orders import OrderDecider
from shared.services.sweep_orders import sweep_orders
from shared.services.verify_stock import verify_stock
from shared.store.connection import Document, connect
from shared.store.heartbeats import beat_heart, last_heartbeat
from shared.store.indexes import INDEXES, ensure_indexes
from shared.store.oldest_pending import oldest_pending
from shared.store.order_details import find_details
from shared.store.order_list import OrderQuery, list_orders
from shared.store.order_stats import Count, order_stats
from shared.store.orders import Submission, find_order, insert_orders
from shared.store.products import find_product
from shared.turns import Turns
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import assert_ledger_true, put_orders, put_products


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
        if entry["command"].get("pipeline", [])[:2] == [{"$match": {"status": "pending"}}, {"$limit": 151}]
    ]
    assert count == 0


def test_the_orders_in_trouble_are_counted_among_the_first_pending_ones(profiled: Database[Document]) -> None:
    pending = [document["_id"] for document in profiled.orders.find({"status": "pending"}, sort=[("_id", 1)])]
    profiled.orders.update_many({"_id": {"$in": pending[40:60]}}, {"$set": {"attempts": 2}})
    profiled.orders.update_one({"_id": pending[0]}, {"$set": {"attempts": "many"}})  # damaged: nobody can tell
    profiled.orders.update_one({"_id": pending[1]}, {"$unset": {"attempts": ""}})

    # One more is looked at, and counts: it says whether that was all.
    for look_at_max, count in [(49, Count(10, more=True)), (199, Count(20, more=True)), (200, Count(20, more=False))]:
        forget(profiled)
        assert order_stats(profiled, look_at_max=look_at_max).pending_with_attempts == count
        profiled.command("profile", 0)
        [look] = [
            entry for entry in operations(profiled) if {"$sort": {"_id": 1}} in entry["command"].get("pipeline", [])
        ]
        assert look["planSummary"] == "IXSCAN { status: 1, _id: 1 }"
        assert look["docsExamined"] <= look_at_max + 1


class TestOfAnEarlierVersion:
    """Indexes that are in a database that is older than this version, and that nothing asks any more."""

    @pytest.fixture
    def old(self, database: Database[Document]) -> Database[Document]:
        pending: Document = {"status": "pending"}
        tried = {**pending, "attempts": {"$gt": 0}}
        database.orders.create_index("updated_at", name="pending_by_age", partialFilterExpression=pending)
        database.orders.create_index("attempts", name="pending_by_attempts", partialFilterExpression=tried)
        database.orders.create_index("reference", name="of_somebody_else")
        return database

    def test_they_go_at_the_start_and_no_others(self, old: Database[Document]) -> None:
        ensure_indexes(old)
        ours = {index.document["name"] for index in INDEXES["orders"]}
        assert set(old.orders.index_information()) == {"_id_", "of_somebody_else"} | ours

    def test_its_products_are_listed(self, database: Database[Document]) -> None:
        """It had no listings, and one that is there is older than what it did to the product when it came back."""
        put_products(database, *(a_product(f"SKU-{n}") for n in range(3)))
        database.products.create_index("created_at", name="listed_by_creation")
        database.product_listings.delete_many({"_id": {"$ne": "SKU-1"}})
        database.product_listings.update_one({"_id": "SKU-1"}, {"$set": {"price.amount": 7}})
        assert {drift.subject for drift in verify_stock(database).drifts} == {"SKU-0", "SKU-1", "SKU-2"}

        ensure_indexes(database)

        assert set(database.products.index_information()) == {"_id_", "listed_by_stock", "by_word"}
        assert_ledger_true(database)

    def test_they_are_listed_by_several_parts_at_once_beside_what_changes_them(
        self, database: Database[Document], redis: Redis
    ) -> None:
        put_products(database, *(a_product(f"SKU-{n:04}", stock=1) for n in range(1_200)))
        order_ids = put_orders(database, *(an_order(a_line(f"SKU-{n:04}")) for n in range(0, 1_200, 6)))
        database.products.create_index("created_at", name="listed_by_creation")
        database.product_listings.delete_many({})
        with ThreadPoolExecutor(4) as parts:
            starting = [parts.submit(ensure_indexes, database) for _ in range(3)]
            decide(database, redis, order_ids)  # sells each of these products out
            for start in starting:
                start.result()
        assert database.orders.count_documents({"status": "confirmed"}) == len(order_ids)
        assert_ledger_true(database)

    def test_its_backup_was_restored_without_indexes(self, database: Database[Document]) -> None:
        put_products(database, *(a_product(f"SKU-{n}") for n in range(3)))
        database.product_listings.drop()
        ensure_indexes(database)
        assert_ledger_true(database)

    def test_several_parts_may_start_at_once(self, old: Database[Document]) -> None:
        with ThreadPoolExecutor(4) as parts:
            list(parts.map(lambda _: ensure_indexes(old), range(8)))
        assert not {"pending_by_age", "pending_by_attempts"} & set(old.orders.index_information())

    def test_who_comes_second_finds_it_gone(self, old: Database[Document], monkeypatch: pytest.MonkeyPatch) -> None:
        """It has read what there is, and another part dropped it then."""
        there = old.orders.index_information()
        ensure_indexes(old)
        monkeypatch.setattr(Collection, "index_information", lambda _: there)
        ensure_indexes(old)
        assert not {"pending_by_age", "pending_by_attempts"} & {index["name"] for index in old.orders.list_indexes()}

    def test_nobody_waits_for_a_transaction_behind_them(self, old: Database[Document], mongo_url: str) -> None:
        """As a killed worker leaves one, for ten seconds. The API waits no longer than 1.4 for MongoDB."""
        [order_id] = put_orders(old, an_order())
        api = connect(mongo_url, timeout_milliseconds=1_400)
        with api.client, old.client.start_session() as session, ThreadPoolExecutor(1) as part:
            session.start_transaction()
            old.orders.update_one({"_id": order_id}, {"$set": {"reference": "in a transaction"}}, session=session)
            starting = part.submit(ensure_indexes, old)
            accepted = 0
            while not starting.done():
                put_orders(api, an_order())
                accepted += 1
            session.abort_transaction()
        assert accepted > 0
        assert "pending_by_age" in old.orders.index_information(), "the transaction was in the way"
        ensure_indexes(old)
        assert "pending_by_age" not in old.orders.index_information()

    def test_orders_are_decided_meanwhile(self, old: Database[Document], redis: Redis) -> None:
        put_products(old, a_product("MUG", stock=300))
        order_ids = put_orders(old, *(an_order(a_line("MUG")) for _ in range(300)))
        with ThreadPoolExecutor(1) as worker:
            deciding = worker.submit(lambda: [decide(old, redis, [order_id]) for order_id in order_ids])
            while old.orders.count_documents({"status": "confirmed"}) < 20:
                time.sleep(0.01)
            ensure_indexes(old)
            assert old.orders.count_documents({"status": "pending"}) > 0, "it was meanwhile"
            deciding.result()
        assert old.orders.count_documents({"status": "confirmed"}) == 300
        assert_ledger_true(old)


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
    decider = OrderDecider(
        database, make_product_cache(redis, settings()), FinishedOrders(redis), Turns(redis), settings()
    )
    decider.decide(order_ids)
    decider.close(10)
