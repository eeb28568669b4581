"""Figures for operators. Whatever the size of the database each costs a bounded time, and says what it left out."""

from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING
from pymongo.database import Database

from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.errors import outage_as_unavailable
from shared.store.heartbeats import last_heartbeat
from shared.store.oldest_pending import OldestPending, oldest_pending

COUNT_MAX = 1_000_000
"""No count goes on beyond this: the entries of an index are counted one by one, a second or so for as many."""

LOOK_AT_MAX = 100_000
"""Where no index knows, so many orders are looked at, in a seventh of a second or so."""

IN_TROUBLE = {"$and": [{"$isNumber": "$attempts"}, {"$gt": ["$attempts", 0]}]}
"""Of a pending order: an attempt to decide it has failed, and it is not given up yet."""


@dataclass(frozen=True, slots=True)
class Count:
    """`more`: counting ended at a limit before all were looked at, and there are at least as many."""

    value: int
    more: bool


@dataclass(frozen=True, slots=True)
class OrderStats:
    """`heartbeat` is the time of the last sweep by a worker.

    `products` (archived ones too) and `movements` are MongoDB's estimates, exact unless it was killed lately.
    """

    by_status: dict[Status, Count]
    pending_with_attempts: Count
    oldest_pending: OldestPending | None
    heartbeat: datetime | None
    products: int
    movements: int


def order_stats(
    database: Database[Document], *, count_max: int = COUNT_MAX, look_at_max: int = LOOK_AT_MAX
) -> OrderStats:
    """Raises `Unavailable`."""
    with outage_as_unavailable():
        return OrderStats(
            by_status={status: _count(database, status, count_max) for status in Status},
            pending_with_attempts=_count_in_trouble(database, look_at_max),
            oldest_pending=oldest_pending(database),
            heartbeat=last_heartbeat(database),
            products=database.products.estimated_document_count(),
            movements=database.stock_movements.estimated_document_count(),
        )


def count_orders(database: Database[Document], status: Status, *, count_max: int) -> Count:
    """Raises `Unavailable`."""
    with outage_as_unavailable():
        return _count(database, status, count_max)


def _count(database: Database[Document], status: Status, count_max: int) -> Count:
    found = database.orders.count_documents({"status": status.value}, limit=count_max + 1)
    return Count(min(found, count_max), more=found > count_max)


def _count_in_trouble(database: Database[Document], look_at_max: int) -> Count:
    """Among the first that are pending; who is in trouble has been pending for longer than most."""
    groups = database.orders.aggregate(
        [
            {"$match": {"status": Status.PENDING.value}},
            {"$sort": {"_id": ASCENDING}},
            {"$limit": look_at_max + 1},
            {"$group": {"_id": IN_TROUBLE, "orders": {"$sum": 1}}},
        ]
    )
    orders = {group["_id"]: group["orders"] for group in groups}
    return Count(orders.get(True, 0), more=sum(orders.values()) > look_at_max)
