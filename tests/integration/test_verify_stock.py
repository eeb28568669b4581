"""The verification sees each kind of drift, and sees none where there is none."""

from collections.abc import Callable

import pytest
from pymongo.database import Database

from shared.domain.errors import ProductNotFound
from shared.services.decide_orders import OrderDecider
from shared.services.verify_stock import verify_stock
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order
from tests.mongo import put_orders, put_products


@pytest.fixture
def sold(database: Database[Document], decider: OrderDecider) -> str:
    """Two products, an order over both that is confirmed, one that is rejected, one that waits; the first one's id."""
    put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=5))
    confirmed, rejected, _ = put_orders(
        database, an_order(a_line("MUG", 2), a_line("TEE", 1)), an_order(a_line("MUG", 9)), an_order(a_line("TEE"))
    )
    decider.decide([confirmed, rejected])
    return confirmed


@pytest.mark.usefixtures("sold")
def test_a_true_ledger_has_no_drift(database: Database[Document]) -> None:
    report = verify_stock(database)
    assert (report.skus, report.orders, report.drifts) == (2, 1, [])


Corruption = Callable[[Database[Document], str], object]

CORRUPTIONS: dict[str, tuple[Corruption, list[tuple[str, str]]]] = {
    "stock was changed past the ledger": (
        lambda database, _: database.products.update_one({"_id": "MUG"}, {"$inc": {"stock": 1}}),
        [("stock_differs", "MUG")],
    ),
    "stock is below zero": (
        lambda database, _: database.products.update_one({"_id": "MUG"}, {"$set": {"stock": -1}}),
        [("negative_stock", "MUG"), ("stock_differs", "MUG")],
    ),
    "a movement is missing": (
        lambda database, order_id: database.stock_movements.delete_one({"_id": f"{order_id}:MUG:sale"}),
        [("stock_differs", "MUG"), ("order_differs", "{order}")],
    ),
    "a movement is of another quantity": (
        lambda database, order_id: database.stock_movements.update_one(
            {"_id": f"{order_id}:MUG:sale"}, {"$set": {"delta": -1}}
        ),
        [("stock_differs", "MUG"), ("order_differs", "{order}")],
    ),
    "an order that is not confirmed took stock": (
        lambda database, order_id: database.orders.update_one({"_id": order_id}, {"$set": {"status": "rejected"}}),
        [("order_differs", "{order}")],
    ),
    "a listing is gone": (
        lambda database, _: database.product_listings.delete_one({"_id": "MUG"}),
        [("listing_differs", "MUG")],
    ),
    "a listing is of an earlier price": (
        lambda database, _: database.product_listings.update_one({"_id": "MUG"}, {"$set": {"price.amount": 1}}),
        [("listing_differs", "MUG")],
    ),
    "a product is gone": (
        lambda database, _: database.products.delete_one({"_id": "TEE"}),
        [("product_missing", "TEE")],
    ),
}


@pytest.mark.usefixtures("sold")
def test_of_one_sku_only_what_concerns_it_is_looked_at(database: Database[Document]) -> None:
    report = verify_stock(database, "TEE")
    assert (report.skus, report.orders, report.drifts) == (1, 1, [])


def test_a_sku_that_never_was_is_not_found(database: Database[Document]) -> None:
    with pytest.raises(ProductNotFound):
        verify_stock(database, "GHOST")


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_drift_of_one_sku_is_seen_there_and_not_at_another_when(
    database: Database[Document], sold: str, name: str
) -> None:
    corrupt, expected = CORRUPTIONS[name]
    corrupt(database, sold)

    for sku in ("MUG", "TEE"):
        found = [(drift.kind, drift.subject) for drift in verify_stock(database, sku).drifts]
        assert found == [(k, s.format(order=sold)) for k, s in expected if sku in CONCERNED.get(name, ["MUG"])], sku


CONCERNED = {"an order that is not confirmed took stock": ["MUG", "TEE"], "a product is gone": ["TEE"]}
"""The other corruptions are of the mugs."""


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_drift_is_seen_when(database: Database[Document], sold: str, name: str) -> None:
    corrupt, expected = CORRUPTIONS[name]
    corrupt(database, sold)

    drifts = verify_stock(database).drifts

    assert [(drift.kind, drift.subject) for drift in drifts] == [(k, s.format(order=sold)) for k, s in expected]
