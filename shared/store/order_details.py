"""One order with everything that operators are shown and customers are not: attempts, last error, movements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.database import Database

from shared.domain.errors import OrderNotFound
from shared.domain.movement import Movement
from shared.domain.order import Order, Status
from shared.store.connection import Document
from shared.store.documents import movement_from, order_from, reading
from shared.store.errors import outage_as_unavailable


@dataclass(frozen=True, slots=True)
class LastError:
    """Of processing."""

    text: str
    at: datetime
    worker: str


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """`next_announce_at` is None unless the order is pending."""

    order: Order
    attempts: int
    error: LastError | None
    next_announce_at: datetime | None
    movements: tuple[Movement, ...]


def find_details(database: Database[Document], order_id: str) -> OrderDetails:
    """Raises `OrderNotFound`, `Unavailable`."""
    with outage_as_unavailable():
        document = database.orders.find_one({"_id": order_id})
        if document is None:
            raise OrderNotFound(order_id)
        movements = _movements_of(database, order_id)
    return details_from(document, movements)


def details_from(document: Mapping[str, Any], movements: tuple[Movement, ...]) -> OrderDetails:
    """Raises `OrderUnreadable`."""
    order = order_from(document)
    with reading(order.order_id):
        return OrderDetails(
            order=order,
            attempts=document.get("attempts", 0),
            error=LastError(**document["error"]) if "error" in document else None,
            next_announce_at=document["next_announce_at"] if order.status is Status.PENDING else None,
            movements=movements,
        )


def _movements_of(database: Database[Document], order_id: str) -> tuple[Movement, ...]:
    """A movement's `_id` begins with what caused it and a colon; a semicolon is what comes after a colon."""
    found = database.stock_movements.find({"_id": {"$gt": f"{order_id}:", "$lt": f"{order_id};"}})
    return tuple(movement_from(document) for document in found.sort("_id", ASCENDING))
