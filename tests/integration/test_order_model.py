"""Accept, decide, cancel, retry, redeliver, restock in any order: like a plain model of the orders and the stock."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pymongo.database import Database
from redis import Redis

from shared.cache import LeaseCache, make_product_cache
from shared.clock import now
from shared.domain.errors import OrderNotCancellable, OrderNotRetryable, StockOutOfRange
from shared.domain.order import Line, Reason, ReasonCode
from shared.notices import FinishedOrders
from shared.services.adjust_stock import adjust_stock
from shared.services.cancel_order import cancel_order
from shared.services.decide_orders import OrderDecider
from shared.store.attempts import fail_order
from shared.store.connection import Document
from shared.store.orders import reopen_order
from tests.builders import a_product, an_order, settings
from tests.mongo import assert_ledger_true, put_orders, put_products

SKUS = ["A", "B", "C"]
"""There is no product C."""

skus = st.sampled_from(SKUS)
baskets = st.dictionaries(skus, st.integers(1, 4), min_size=1, max_size=3)
places = st.integers(0, 30)


@dataclass
class Model:
    """What should be, without any database."""

    stock: dict[str, int]
    orders: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    status: dict[str, str] = field(default_factory=dict)

    def decide(self, order_id: str, basket: dict[str, int]) -> None:
        if self.status[order_id] != "pending":
            return
        served = all(self.stock.get(sku, -1) >= quantity for sku, quantity in basket.items())
        self.status[order_id] = "confirmed" if served else "rejected"
        if served:
            self.move(basket, -1)

    def move(self, basket: dict[str, int], direction: int) -> None:
        for sku, quantity in basket.items():
            self.stock[sku] += direction * quantity


def machine(
    database: Database[Document], cache: LeaseCache, finished: FinishedOrders, decider: OrderDecider
) -> type[RuleBasedStateMachine]:
    class Shop(RuleBasedStateMachine):
        @initialize(a=st.integers(0, 6), b=st.integers(0, 6))
        def open(self, a: int, b: int) -> None:
            for collection in ("products", "orders", "stock_movements"):
                database[collection].delete_many({})
            put_products(database, a_product("A", stock=a, low_stock_threshold=2), a_product("B", stock=b))
            self.model = Model({"A": a, "B": b})

        @rule(basket=baskets)
        def accept(self, basket: dict[str, int]) -> None:
            [order_id] = put_orders(database, an_order(*(Line(sku, n) for sku, n in basket.items())))
            self.model.orders.append((order_id, basket))
            self.model.status[order_id] = "pending"

        @precondition(lambda self: self.model.orders)
        @rule(chosen=st.lists(places, min_size=1, max_size=6))
        def deliver(self, chosen: list[int]) -> None:
            """In a message are any orders, some for the second time, some twice; decided in order of acceptance."""
            orders = [self.order(place) for place in chosen]
            decider.decide([order_id for order_id, _ in orders])
            for order_id, basket in sorted(orders):
                self.model.decide(order_id, basket)

        @precondition(lambda self: self.model.orders)
        @rule(place=places)
        def cancel(self, place: int) -> None:
            order_id, basket = self.order(place)
            status = self.model.status[order_id]
            if status in ("rejected", "failed"):
                with pytest.raises(OrderNotCancellable):
                    self.send_cancel(order_id)
                return
            self.send_cancel(order_id)
            self.model.status[order_id] = "cancelled"
            if status == "confirmed":
                self.model.move(basket, +1)

        @precondition(lambda self: self.model.orders)
        @rule(place=places)
        def fail(self, place: int) -> None:
            order_id, _ = self.order(place)
            failed = fail_order(database, order_id, Reason(ReasonCode.UNPROCESSABLE), at=now())
            assert failed == (self.model.status[order_id] == "pending")
            if failed:
                self.model.status[order_id] = "failed"

        @precondition(lambda self: self.model.orders)
        @rule(place=places)
        def retry(self, place: int) -> None:
            order_id, _ = self.order(place)
            if self.model.status[order_id] != "failed":
                with pytest.raises(OrderNotRetryable):
                    self.send_retry(order_id)
                return
            self.send_retry(order_id)
            self.model.status[order_id] = "pending"

        @rule(sku=st.sampled_from(["A", "B"]), delta=st.integers(-4, 4).filter(bool))
        def adjust(self, sku: str, delta: int) -> None:
            if self.model.stock[sku] + delta < 0:
                with pytest.raises(StockOutOfRange):
                    self.send_adjustment(sku, delta)
                return
            self.send_adjustment(sku, delta)
            self.model.stock[sku] += delta

        @invariant()
        def it_is_like_the_model(self) -> None:
            stock = {row["_id"]: row["stock"] for row in database.products.find()}
            status = {row["_id"]: row["status"] for row in database.orders.find()}
            assert (stock, status) == (self.model.stock, self.model.status)

        def teardown(self) -> None:
            assert_ledger_true(database)

        def order(self, place: int) -> tuple[str, dict[str, int]]:
            return self.model.orders[place % len(self.model.orders)]

        def send_cancel(self, order_id: str) -> None:
            cancel_order(database, cache, finished, order_id, customer="alice", by="alice")

        def send_retry(self, order_id: str) -> None:
            reopen_order(database, order_id, by="operator", at=now(), announce_after_seconds=10)

        def send_adjustment(self, sku: str, delta: int) -> None:
            adjust_stock(database, cache, sku, delta=delta, reason="count", by="clerk", idempotency_key=None)

    return Shop


def test_whatever_happens_in_whatever_order_it_is_like_the_model(
    database: Database[Document], redis: Redis, decider: OrderDecider
) -> None:
    shop = machine(database, make_product_cache(redis, settings()), FinishedOrders(redis), decider)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        shop, settings=hypothesis_settings(max_examples=40, stateful_step_count=25, deadline=None)
    )
