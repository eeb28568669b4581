"""Orders and products survive the way into MongoDB and back unchanged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.money import Money
from shared.domain.movement import Movement, MovementKind
from shared.domain.order import HistoryEntry, Line, Reason, ReasonCode, RefusedLine, Status
from shared.store.documents import (
    movement_document,
    movement_from,
    order_document,
    order_from,
    product_document,
    product_from,
)
from tests.builders import a_product, an_order

CONFIRMED = an_order(
    status=Status.CONFIRMED,
    reference="r",
    items=(Line("a", 2, Money(5, "EUR")), Line("b", 1, Money(0, "EUR"))),
    total=Money(10, "EUR"),
)
REJECTED = an_order(
    status=Status.REJECTED,
    reason=Reason(ReasonCode.OUT_OF_STOCK, (RefusedLine("a", 2, 1), RefusedLine("b", 1, None))),
)
FAILED = an_order(status=Status.FAILED, reason=Reason(ReasonCode.UNPROCESSABLE))


@pytest.mark.parametrize("order", [an_order(), CONFIRMED, REJECTED, FAILED], ids=lambda order: order.status)
def test_an_order_comes_back_as_it_was(order, database):
    order = replace(order, history=(*order.history, HistoryEntry(order.status, order.updated_at)))
    database.orders.insert_one(order_document(order, announce_after_seconds=10))
    assert order_from(database.orders.find_one({"_id": order.order_id})) == order


@pytest.mark.parametrize(
    "product",
    [
        a_product(),
        a_product(description="blue", stock=0, price=0),
        a_product(archived_at=a_product().created_at),
        a_product(stock=3, low_stock_threshold=3),
    ],
)
def test_a_product_comes_back_as_it_was(product, database):
    database.products.insert_one(product_document(product))
    assert product_from(database.products.find_one({"_id": product.sku})) == product


def test_a_new_order_says_itself_when_it_is_to_be_announced_again():
    order = an_order()
    document = order_document(order, announce_after_seconds=10)
    assert document["next_announce_at"] == order.created_at + timedelta(seconds=10)
    assert document["announce_interval_seconds"] == 10


def test_an_order_without_an_idempotency_key_has_no_such_field():
    assert "idempotency" not in order_document(an_order(), announce_after_seconds=10)


def test_statuses_and_reasons_are_stored_as_plain_text():
    document = order_document(REJECTED, announce_after_seconds=10)
    assert type(document["status"]) is str
    assert type(document["reason"]["code"]) is str
    assert type(document["history"][0]["status"]) is str


def test_the_id_of_a_movement_is_what_caused_it():
    at = an_order().created_at
    sale = Movement("order-1", "MUG-01", MovementKind.SALE, -2, at)
    assert movement_document(sale) == {
        "_id": "order-1:MUG-01:sale",
        "reference": "order-1",
        "sku": "MUG-01",
        "kind": "sale",
        "delta": -2,
        "at": at,
        "by": None,
        "reason": None,
    }


@pytest.mark.parametrize("kind", MovementKind)
def test_a_movement_comes_back_as_it_was(kind, database):
    movement = Movement("reference", "MUG-01", kind, 5, an_order().created_at, by="clerk", reason="counted")
    database.stock_movements.insert_one(movement_document(movement))
    assert movement_from(database.stock_movements.find_one()) == movement
