"""Figures for operators. Whatever the size of the database each costs a bounded time, and says what it left out."""

from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.errors import outage_as_unavailable
from shared.store.heartbeats import last_heartbeat
from shared.store.orders import OldestPending, oldest_pending

COUNT_MAX = 1_000_000
"""No count goes on beyond this: the entries of an index are counted one by one, a second or so for as many."""

IN_TROUBLE = {"status": Status.PENDING.value, "attempts": {"$gt": 0}}
"""An attempt to decide it has failed, and it is not given up yet."""


@dataclass(frozen=True, slots=True)
class Count:
    """`more`: counting ended at `COUNT_MAX`, and there are at least as many."""

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


def order_stats(database: Database[Document], *, count_max: int = COUNT_MAX) -> OrderStats:
    """Raises `Unavailable`."""
    with outage_as_unavailable():
        return OrderStats(
            by_status={status: _count(database, {"status": status.value}, count_max) for status in Status},
            pending_with_attempts=_count(database, IN_TROUBLE, count_max),
            oldest_pending=oldest_pending(database),
            heartbeat=last_heartbeat(database),
            products=database.products.estimated_document_count(),
            movements=database.stock_movements.estimated_document_count(),
        )


def count_orders(database: Database[Document], status: Status, *, count_max: int) -> Count:
    """Raises `Unavailable`."""
    with outage_as_unavailable():
        return _count(database, {"status": status.value}, count_max)


def _count(database: Database[Document], condition: Document, count_max: int) -> Count:
    found = database.orders.count_documents(condition, limit=count_max + 1)
    return Count(min(found, count_max), more=found > count_max)
