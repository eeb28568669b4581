"""Retrying failed orders: an operator's way out of the dead letters."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import OrderNotFound, OrderNotRetryable, OrderUnreadable, Unavailable
from shared.domain.order import Order, Status
from shared.queue import Announcement, Announcer
from shared.services.sweep_orders import MESSAGE_MAX, Announce
from shared.settings import Settings
from shared.store.connection import Document
from shared.store.orders import find_order, reopen_order

Refusal = OrderNotFound | OrderNotRetryable | OrderUnreadable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetriedOrders:
    """`outcomes`: one for each order that was tried, in the order given; a refusal is a result.

    `announced` is how many of those that are pending again; the sweeper announces the rest.
    `outage` is what kept the orders after the last outcome from being tried; the first of them may be pending again.
    """

    outcomes: list[Order | Refusal]
    announced: int
    outage: Unavailable | None


def retry_order(
    database: Database[Document], announcer: Announcer, settings: Settings, order_id: str, *, by: str
) -> Order:
    """The order, pending again and announced. Raises `OrderNotFound`, `OrderNotRetryable`, `Unavailable`."""
    order = _reopen(database, settings, order_id, by)
    announcer.announce([Announcement(order_id)])
    return order


def retry_orders(
    database: Database[Document], announce: Announce, settings: Settings, order_ids: Iterable[str], *, by: str
) -> RetriedOrders:
    """For one who can wait until they are announced; pending orders are announced too.

    If the process dies meanwhile, the sweeper announces them.
    """
    outcomes: list[Order | Refusal] = []
    outage = None
    for order_id in order_ids:
        try:
            outcomes.append(_reopen_unless_pending(database, settings, order_id, by))
        except (OrderNotFound, OrderNotRetryable, OrderUnreadable) as refusal:
            outcomes.append(refusal)
        except Unavailable as error:
            outage = error
            break
    reopened = [outcome.order_id for outcome in outcomes if isinstance(outcome, Order)]
    return RetriedOrders(outcomes, _announced(announce, reopened), outage)


def reopen_failed(database: Database[Document], settings: Settings, order_ids: Iterable[str], *, by: str) -> None:
    """For one who decides them next: those that failed are pending again. Raises `Unavailable`."""
    for order_id in order_ids:
        with suppress(OrderNotFound, OrderNotRetryable, OrderUnreadable):
            _reopen(database, settings, order_id, by)


def _reopen_unless_pending(database: Database[Document], settings: Settings, order_id: str, by: str) -> Order:
    """A pending one need only be announced: its message may be lost, and its next announcement far away."""
    try:
        return _reopen(database, settings, order_id, by)
    except OrderNotRetryable as refusal:
        if refusal.status != Status.PENDING:
            raise
        return find_order(database, order_id)


def _reopen(database: Database[Document], settings: Settings, order_id: str, by: str) -> Order:
    order = reopen_order(database, order_id, by=by, at=now(), announce_after_seconds=settings.announce_after_seconds)
    log.info("order retried", order_id=order_id, by=by)
    return order


def _announced(announce: Announce, order_ids: list[str]) -> int:
    for start in range(0, len(order_ids), MESSAGE_MAX):
        try:
            announce(order_ids[start : start + MESSAGE_MAX])
        except Unavailable:
            return start
    return len(order_ids)
