"""The deciding transaction on a real MongoDB: what it writes, what it leaves alone, and how many commands it takes."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from pymongo.database import Database
from redis import Redis

from shared.cache import LeaseCache
from shared.clock import now
from shared.cpu_idle import SpareCpu
from shared.domain.allocation import Offer
from shared.domain.money import Money
from shared.domain.order import Status
from shared.domain.warning import nobody_is_told
from shared.notices import FinishedOrders
from shared.services.decide_orders import OrderDecider
from shared.store import decisions
from shared.store.connection import Document, connect
from shared.store.decisions import decide_pending, read_pending
from shared.store.orders import find_order
from shared.store.transaction import GuardFailed
from shared.turns import Turns
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import (
    CommandCounter,
    assert_ledger_true,
    decide_now,
    everything,
    find,
    put_orders,
    put_products,
    status_of,
    stock_of,
)


def test_a_confirmed_order_takes_stock_writes_the_ledger_and_keeps_its_prices(
    database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("MUG", stock=5, price=700), a_product("TEE", stock=5, price=1_500))
    [order_id] = put_orders(database, an_order(a_line("MUG", 2), a_line("TEE", 1)))

    decider.decide([order_id])

    order = find(database, order_id)
    assert order["status"] == "confirmed"
    assert order["total"] == {"amount": 2_900, "currency": "IDR"}
    assert [item["unit_price"]["amount"] for item in order["items"]] == [700, 1_500]
    assert [entry["status"] for entry in order["history"]] == ["pending", "confirmed"]
    sales = {m["_id"]: m["delta"] for m in database.stock_movements.find({"kind": "sale"})}
    assert sales == {f"{order_id}:MUG:sale": -2, f"{order_id}:TEE:sale": -1}
    assert (stock_of(database, "MUG"), stock_of(database, "TEE")) == (3, 4)
    assert_ledger_true(database)


def test_a_refusal_changes_nothing_but_the_order(database: Database[Document], decider: OrderDecider) -> None:
    put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=1))
    [order_id] = put_orders(database, an_order(a_line("MUG", 2), a_line("TEE", 2)))
    before = everything(database)

    decider.decide([order_id])

    after = everything(database)
    assert after["products"] == before["products"]
    assert after["stock_movements"] == before["stock_movements"]
    order = find(database, order_id)
    assert order["status"] == "rejected"
    assert order["reason"] == {
        "code": "out_of_stock",
        "lines": [{"sku": "TEE", "requested": 2, "available": 1}],
    }
    assert order["total"] is None


@pytest.mark.parametrize("damage", [{"$unset": {"history": ""}}, {"$set": {"history": None}}])
@pytest.mark.parametrize("orders", [1, 6])
def test_an_order_that_has_lost_its_history_is_decided_and_can_be_read(
    database: Database[Document], decider: OrderDecider, damage: Document, orders: int
) -> None:
    put_products(database, a_product("MUG", stock=9))
    order_ids = put_orders(database, *(an_order(a_line("MUG")) for _ in range(orders)))
    database.orders.update_many({}, damage)

    decider.decide(order_ids)

    for order_id in order_ids:
        assert [entry.status for entry in find_order(database, order_id).history] == [Status.CONFIRMED]


def test_two_lines_of_one_sku_count_together(database: Database[Document], decider: OrderDecider) -> None:
    put_products(database, a_product("MUG", stock=3))
    order = an_order()
    document_items = [{"sku": "MUG", "quantity": 2, "unit_price": None}] * 2
    put_orders(database, order)
    database.orders.update_one({"_id": order.order_id}, {"$set": {"items": document_items}})

    decider.decide([order.order_id])

    assert find(database, order.order_id)["reason"]["lines"] == [{"sku": "MUG", "requested": 4, "available": 3}]
    assert stock_of(database, "MUG") == 3


def test_orders_are_decided_in_the_order_of_their_acceptance(
    database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("MUG", stock=2))
    order_ids = put_orders(database, *(an_order(a_line("MUG", 1)) for _ in range(4)))

    decider.decide(list(reversed(order_ids)))

    assert [status_of(database, order_id) for order_id in order_ids] == ["confirmed"] * 2 + ["rejected"] * 2


def test_an_archived_product_can_not_be_ordered(database: Database[Document], decider: OrderDecider) -> None:
    put_products(database, a_product("MUG", stock=2, archived_at=now()))
    [order_id] = put_orders(database, an_order(a_line("MUG", 1)))

    decider.decide([order_id])

    assert find(database, order_id)["reason"]["code"] == "product_not_found"
    assert stock_of(database, "MUG") == 2


def test_a_broken_order_fails_alone_and_the_others_of_its_batch_are_decided(
    database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("MUG", stock=20))
    order_ids = put_orders(database, *(an_order(a_line("MUG", 1)) for _ in range(9)))
    database.orders.update_one({"_id": order_ids[4]}, {"$set": {"items.0.quantity": "three"}})

    decider.decide(order_ids)

    others = [*order_ids[:4], *order_ids[5:]]
    assert {status_of(database, order_id) for order_id in others} == {"confirmed"}
    broken = find(database, order_ids[4])
    assert broken["status"] == "failed"
    assert broken["reason"] == {"code": "unprocessable", "lines": []}
    assert broken["attempts"] == 1
    assert broken["error"]["text"].startswith(f"OrderUnreadable: {order_ids[4]}: items is no list of lines: [{{")
    assert stock_of(database, "MUG") == 12
    assert_ledger_true(database)


def test_an_order_that_was_delivered_ten_times_at_once_is_sold_once(
    database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("MUG", stock=100))
    order_ids = put_orders(database, *(an_order(a_line("MUG", 1)) for _ in range(5)))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(decider.decide, [order_ids] * 10))

    assert stock_of(database, "MUG") == 95
    assert database.stock_movements.count_documents({"kind": "sale"}) == 5
    assert all(len(find(database, order_id)["history"]) == 2 for order_id in order_ids)
    assert_ledger_true(database)


def test_transactions_that_run_side_by_side_sell_no_more_than_there_is(database: Database[Document]) -> None:
    """Without the group commit: as if each order came to another worker."""
    put_products(database, a_product("MUG", stock=10))
    order_ids = put_orders(database, *(an_order(a_line("MUG", 1)) for _ in range(40)))

    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda order_id: decide_now(database, [order_id]), order_ids))

    kinds = Counter(type(decision).__name__ for decided in batches for decision in decided)
    assert kinds == {"Confirmed": 10, "Rejected": 30}
    assert stock_of(database, "MUG") == 0
    assert_ledger_true(database)


def test_what_was_decided_after_it_was_read_is_passed_over_and_the_others_see_the_stock_that_it_left(
    database: Database[Document],
) -> None:
    put_products(database, a_product("MUG", stock=3))
    first, other = put_orders(database, an_order(a_line("MUG", 2)), an_order(a_line("MUG", 2)))
    both = read_pending(database, [first, other])
    decide_now(database, [first])

    decided = decide_pending(database, both, at=now(), warn=nobody_is_told)

    assert [decision.order_id for decision in decided.decisions] == [other]
    assert [status_of(database, order_id) for order_id in (first, other)] == ["confirmed", "rejected"]
    assert stock_of(database, "MUG") == 1
    assert len(find(database, first)["history"]) == 2
    assert_ledger_true(database)


def test_what_was_cancelled_after_it_was_read_takes_nothing(database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=2))
    first, other = put_orders(database, an_order(a_line("MUG", 2)), an_order(a_line("MUG", 2)))
    both = read_pending(database, [first, other])
    database.orders.update_one({"_id": first}, {"$set": {"status": "cancelled"}})

    decide_pending(database, both, at=now(), warn=nobody_is_told)

    assert [status_of(database, order_id) for order_id in (first, other)] == ["cancelled", "confirmed"]
    assert_ledger_true(database)


def test_what_is_decided_by_another_in_the_middle_of_the_transaction_is_passed_over(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_products(database, a_product("MUG", stock=9))
    first, other = put_orders(database, an_order(a_line("MUG", 2)), an_order(a_line("MUG", 2)))
    both, transactions = read_pending(database, [first, other]), count()
    read_offers = decisions._read_offers

    def read_while_another_decides(*args: Any) -> Any:
        offers = read_offers(*args)
        if next(transactions) == 0:
            decide_now(database, [first])
        return offers

    monkeypatch.setattr(decisions, "_read_offers", read_while_another_decides)
    decided = decide_pending(database, both, at=now(), warn=nobody_is_told)

    assert [decision.order_id for decision in decided.decisions] == [other]
    # The first, that of the other one, and once more after the conflict, with what is pending then.
    assert next(transactions) == 3
    assert stock_of(database, "MUG") == 5
    assert_ledger_true(database)


def test_two_deciders_that_have_the_same_orders_of_many_products_decide_each_once_side_by_side(
    database: Database[Document], product_cache: LeaseCache, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each divides them into three transactions; every fortieth order is damaged, and fails alone."""
    monkeypatch.setattr(SpareCpu, "is_there", lambda _: True)
    put_products(database, *(a_product(f"SKU-{n}", stock=20) for n in range(8)))
    order_ids = put_orders(database, *(an_order(a_line(f"SKU-{n % 8}", 1)) for n in range(400)))
    damaged = order_ids[::40]
    database.orders.update_many({"_id": {"$in": damaged}}, {"$unset": {"items": 1}})
    side_by_side = settings(decide_transactions_max=3)
    deciders = [
        OrderDecider(database, product_cache, FinishedOrders(redis), Turns(redis), side_by_side) for _ in range(2)
    ]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda decider: decider.decide(order_ids), deciders))

    statuses = Counter(order["status"] for order in database.orders.find())
    assert statuses == {"confirmed": 160, "rejected": 230, "failed": 10}
    assert {order["_id"] for order in database.orders.find({"status": "failed"})} == set(damaged)
    assert all(len(order["history"]) == 2 for order in database.orders.find())
    assert database.orders.count_documents({"attempts": {"$gt": 0}, "status": {"$ne": "failed"}}) == 0
    assert [stock_of(database, f"SKU-{n}") for n in range(8)] == [0] * 8
    assert_ledger_true(database)
    for decider in deciders:
        decider.close(10)


def test_an_unknown_order_has_no_effect(database: Database[Document], decider: OrderDecider) -> None:
    before = everything(database)
    decider.decide(["no-such-order"])
    assert everything(database) == before


def test_a_second_effect_in_the_ledger_is_refused_whole(database: Database[Document]) -> None:
    """The last line of defence: even a worker that takes a decided order for a pending one can't sell it again."""
    put_products(database, a_product("MUG", stock=5))
    [order_id] = put_orders(database, an_order(a_line("MUG", 1)))
    decide_now(database, [order_id])
    database.orders.update_one({"_id": order_id}, {"$set": {"status": "pending"}})

    with pytest.raises(Exception, match="E11000"):
        decide_now(database, [order_id])

    assert stock_of(database, "MUG") == 4
    assert database.stock_movements.count_documents({"kind": "sale"}) == 1


def test_a_guard_that_does_not_hold_undoes_the_whole_batch(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule is made to see more stock than there is; the guard in the database has the last word."""
    put_products(database, a_product("MUG", stock=1))
    order_ids = put_orders(database, an_order(a_line("MUG", 1)), an_order(a_line("MUG", 1)))
    before = everything(database)
    monkeypatch.setattr("shared.store.decisions._read_offers", _generous_offers)

    with pytest.raises(GuardFailed):
        decide_now(database, order_ids)

    assert everything(database) == before


def test_who_keeps_copies_of_a_stock_is_told_before_anyone_can_see_the_sale(database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=5))
    order_ids = put_orders(database, an_order(a_line("MUG", 1)), an_order(a_line("GHOST", 1)))
    told: list[tuple[str, list[str], str, int]] = []

    def tell(what: str, skus: list[str]) -> None:
        told.append((what, skus, status_of(database, order_ids[0]), stock_of(database, "MUG")))

    def warn(skus: Iterable[str]) -> Callable[[], None]:
        changing = list(skus)
        tell("warn", changing)
        return lambda: tell("close", changing)

    decide_now(database, order_ids, warn=warn)

    assert told == [("warn", ["MUG"], "pending", 5), ("close", ["MUG"], "pending", 5)]
    assert status_of(database, order_ids[0]) == "confirmed"


@pytest.mark.parametrize("orders", [1, 10, 200])
def test_a_batch_takes_six_commands_however_large_it_is(
    database: Database[Document], mongo_url: str, orders: int
) -> None:
    counter = CommandCounter()
    counted = connect(mongo_url, timeout_milliseconds=20_000, listeners=[counter])
    put_products(database, *(a_product(f"SKU-{n}", stock=1_000) for n in range(20)))
    order_ids = put_orders(database, *(an_order(a_line(f"SKU-{n % 20}", 1)) for n in range(orders)))

    with counter.counting() as commands:
        decide_now(counted, order_ids)

    # orders and products are read; products, ledger and orders are written; the transaction is committed
    assert commands == {"find": 2, "update": 2, "insert": 1, "commitTransaction": 1}
    counted.client.close()


@pytest.mark.parametrize("orders", [1, 200])
def test_a_batch_that_is_announced_again_takes_two_more(
    database: Database[Document], mongo_url: str, product_cache: LeaseCache, redis: Redis, orders: int
) -> None:
    counter = CommandCounter()
    counted = connect(mongo_url, timeout_milliseconds=20_000, listeners=[counter])
    decider = OrderDecider(counted, product_cache, FinishedOrders(redis), Turns(redis), settings())
    put_products(database, a_product("MUG", stock=1_000))
    order_ids = put_orders(database, *(an_order(a_line("MUG", 1)) for _ in range(orders)))

    with counter.counting() as commands:
        decider.decide(order_ids, again=True)

    # those that were tried in vain are looked for, and the name of this worker is left on the others
    assert commands == {"find": 2 + 1, "update": 2 + 1, "insert": 1, "commitTransaction": 1}
    assert database.orders.count_documents({"status": "confirmed"}) == orders
    decider.close(10)
    counted.client.close()


def _generous_offers(*_: object) -> dict[str, Offer]:
    return {"MUG": Offer(Money(700, "IDR"), 1_000)}
