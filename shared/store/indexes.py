"""All indexes, in one table. Every query of the normal way is served by one; a test explains each of them."""

from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from shared.store.connection import Document

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
        IndexModel(
            [("created_at", ASCENDING)],
            name="pending_by_age",
            partialFilterExpression={"status": "pending"},
        ),
    ],
    "stock_movements": [IndexModel([("sku", ASCENDING), ("_id", ASCENDING)], name="by_sku")],
}


def ensure_indexes(database: Database[Document]) -> None:
    for collection, indexes in INDEXES.items():
        database[collection].create_indexes(indexes)
