"""The list of orders, by default the last accepted first.

Ids ascend with the time of acceptance, so they are the order of it.
"""

from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from shared.domain.order import Status, first_order_id
from shared.store.connection import Document
from shared.store.pages import Order, Page, Position, read_page

ANY_STATUS = {"$in": [status.value for status in Status]}
"""Says nothing, but lets the index of a customer's orders serve their order."""


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """None where anything goes. Accepted at `created_after` or later, and before `created_before`."""

    customer: str | None = None
    status: Status | None = None
    sku: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def list_orders(
    database: Database[Document],
    query: OrderQuery,
    *,
    after: Position | None,
    limit: int,
    oldest_first: bool = False,
) -> Page:
    """Raises `Unavailable`."""
    order = Order("_id", descending=not oldest_first, index=_index(query))
    return read_page(database.orders, _condition(query), order, after=after, limit=limit)


def _condition(query: OrderQuery) -> Document:
    condition: Document = {}
    if query.customer is not None:
        condition |= {"customer": query.customer, "status": ANY_STATUS}
    if query.status is not None:
        condition["status"] = query.status.value
    if query.sku is not None:
        condition["items.sku"] = query.sku
    times = {"$gte": query.created_after, "$lt": query.created_before}
    if bounds := {operator: first_order_id(at) for operator, at in times.items() if at is not None}:
        condition["_id"] = bounds
    return condition


def _index(query: OrderQuery) -> str | None:
    """A SKU is left to the planner: whether the customer has fewer orders or the product, it finds out."""
    if query.sku is not None:
        return None
    if query.customer is not None:
        return "by_customer_and_status"
    return "by_status" if query.status is not None else "_id_"
