"""Cancelling an order: before it is decided, or after; what it had taken then comes back to stock."""

import structlog
from pymongo.database import Database

from shared.cache import LeaseCache
from shared.clock import now
from shared.domain.order import Order
from shared.metrics import ORDERS_CANCELLED
from shared.notices import FinishedOrders
from shared.services.product_changes import report_changes
from shared.store.cancellations import write_cancellation
from shared.store.connection import Document

log = structlog.get_logger(__name__)


def cancel_order(
    database: Database[Document],
    product_cache: LeaseCache,
    finished_orders: FinishedOrders,
    order_id: str,
    *,
    customer: str | None,
    by: str,
) -> Order:
    """The cancelled order; cancelling it again changes nothing. `customer` must be the order's, unless it is None.

    Raises `OrderNotFound`, `OrderNotCancellable`, `Unavailable`.
    """
    at = now()
    with product_cache.changing() as warn:
        cancelled = write_cancellation(database, order_id, customer=customer, by=by, at=at, warn=warn)
    if cancelled.order.updated_at == at:  # else it was before
        ORDERS_CANCELLED.inc()
    report_changes(cancelled.changes)
    finished_orders.publish([order_id], decided=False)
    log.info("order cancelled", order_id=order_id, by=by, lines_returned=len(cancelled.changes))
    return cancelled.order
