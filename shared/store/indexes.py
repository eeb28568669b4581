"""All indexes, in one table. Every query of the normal way is served by one; a test explains each of them."""

from collections.abc import Set
from contextlib import suppress

import pymongo
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.store.connection import Document
from shared.store.products import list_all_products

LISTING_FLAGS = ["listing.archived", "listing.in_stock", "listing.low_stock"]


def _products_by(name: str, *fields: str) -> IndexModel:
    """For one sort of the list: the filters first, then the order with `_id` to break ties.

    The price comes last, so that a range of prices is looked up in the index itself.
    """
    return IndexModel([(field, ASCENDING) for field in dict.fromkeys([*LISTING_FLAGS, *fields])], name=name)


BY_WORD = IndexModel([("listing.words", ASCENDING)], name="by_word")

INDEXES: dict[str, list[IndexModel]] = {
    "orders": [
        IndexModel(
            [("customer", ASCENDING), ("idempotency.key", ASCENDING)],
            name="one_order_per_customer_and_key",
            unique=True,
            partialFilterExpression={"idempotency.key": {"$exists": True}},
        ),
        IndexModel(
            [("next_announce_at", ASCENDING)],
            name="pending_by_next_announcement",
            partialFilterExpression={"status": "pending"},
        ),
        IndexModel([("customer", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)], name="by_customer_and_status"),
        IndexModel([("status", ASCENDING), ("_id", ASCENDING)], name="by_status"),
        IndexModel([("items.sku", ASCENDING), ("_id", ASCENDING)], name="by_product"),
    ],
    "products": [
        _products_by("listed_by_stock", "stock", "_id", "price.amount"),
        BY_WORD,
    ],
    # A sale changes products, and pays for each of their indexes (decision 0031).
    "product_listings": [
        _products_by("listed_by_sku", "_id", "price.amount"),
        _products_by("listed_by_name", "listing.name", "_id", "price.amount"),
        _products_by("listed_by_price", "price.amount", "_id"),
        _products_by("listed_by_creation", "created_at", "_id", "price.amount"),
        BY_WORD,
    ],
    "stock_movements": [
        IndexModel([("sku", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="by_sku_and_time"),
        IndexModel(
            [("by", ASCENDING), ("idempotency.key", ASCENDING)],
            name="one_adjustment_per_caller_and_key",
            unique=True,
            partialFilterExpression={"idempotency.key": {"$exists": True}},
        ),
    ],
}

DROP_SECONDS = 0.2

OBSOLETE = {
    "orders": {"pending_by_age", "pending_by_attempts"},
    "products": {"listed_by_sku", "listed_by_name", "listed_by_price", "listed_by_creation"},
}
"""By name, what earlier versions made and nothing asks any more: it only costs speed (decisions 0026, 0031)."""


def ensure_indexes(database: Database[Document]) -> None:
    """And list the products of an earlier version, which did not, before the indexes go by which it is known.

    Raises `Unavailable` when they can't be listed now.
    """
    for collection, indexes in INDEXES.items():
        database[collection].create_indexes(indexes)
    of_an_earlier_version = OBSOLETE["products"] & set(database["products"].index_information())
    if of_an_earlier_version or not database["product_listings"].find_one({}, {"_id": 1}):
        list_all_products(database)
    for collection, names in OBSOLETE.items():
        _drop(database[collection], names)


def _drop(collection: Collection[Document], names: Set[str]) -> None:
    """Several parts start at once, and one of them does it. Who may not, or can't now, can work all the same.

    To drop an index locks the collection: behind a transaction that goes on, all others wait for it, too. So it is
    looked up first, and not waited for.
    """
    with suppress(PyMongoError):
        for name in sorted(names & set(collection.index_information())):
            with pymongo.timeout(DROP_SECONDS):
                collection.drop_index(name)
