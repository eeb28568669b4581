"""The cancelling transaction: the order's status, and what it had taken back in stock and ledger, all or nothing.

Against the deciding transaction one of the two wins: both write the order, so the later one meets a conflict, starts
again, and finds what the other has made of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.domain.errors import OrderNotCancellable, OrderNotFound
from shared.domain.order import Order, Status
from shared.domain.product import Change, returned
from shared.domain.warning import Warn
from shared.store.connection import Document
from shared.store.documents import history_value, order_from
from shared.store.orders import named_order
from shared.store.products import read_products, write_changes
from shared.store.transaction import GuardFailed, run_transaction


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The order as it is now. `changes` are empty when nothing came back to stock, or it was cancelled before."""

    order: Order
    changes: Sequence[Change]


def write_cancellation(
    database: Database[Document], order_id: str, *, customer: str | None, by: str, at: datetime, warn: Warn
) -> Cancelled:
    """`customer` must be the order's, unless it is None.

    Raises `OrderNotFound`, `OrderNotCancellable`, `Unavailable`; then nothing has changed.
    """

    def cancel(session: ClientSession) -> Cancelled:
        document = database.orders.find_one(named_order(order_id, customer), session=session)
        if document is None:
            raise OrderNotFound(order_id)
        order = order_from(document)
        if order.status is Status.CANCELLED:
            return Cancelled(order, [])
        if order.status not in (Status.PENDING, Status.CONFIRMED):
            raise OrderNotCancellable(order_id, order.status.value)
        cancelled = _write_status(database, order, by, at, session)
        taken = {line.sku: line.quantity for line in order.items} if order.status is Status.CONFIRMED else {}
        products = read_products(database, sorted(taken), session)
        # Into the stock of archived products too: their ledger stays true.
        changes = [returned(products[sku], taken[sku], order_id=order_id, by=by, at=at) for sku in taken]
        write_changes(database, changes, session, warn)
        return Cancelled(cancelled, changes)

    return run_transaction(database, cancel)


def _write_status(database: Database[Document], order: Order, by: str, at: datetime, session: ClientSession) -> Order:
    document = database.orders.find_one_and_update(
        {"_id": order.order_id, "status": order.status.value},
        {
            "$set": {"status": Status.CANCELLED.value, "updated_at": at},
            "$push": {"history": history_value(Status.CANCELLED, at, by=by)},
        },
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    if document is None:
        raise GuardFailed(f"{order.order_id} is not {order.status} any more")
    return order_from(document)
