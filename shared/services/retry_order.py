"""Retrying failed orders: an operator's way out of the dead letters."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import OrderNotFound, OrderNotRetryable, Unavailable
from shared.domain.order import Order
from shared.queue import Announcer
from shared.services.sweep_orders import MESSAGE_MAX, Announce
from shared.settings import Settings
from shared.store.connection import Document
from shared.store.orders import reopen_order

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetriedOrders:
    """`outcomes`: one for each order that was tried, in the order given; a refusal is a result.

    `announced` is how many of those that are pending again; the sweeper announces the rest.
    `outage` is what kept the orders after the last outcome from being tried; the first of them may be pending again.
    """

    outcomes: list[Order | OrderNotFound | OrderNotRetryable]
    announced: int
    outage: Unavailable | None


def retry_order(
    database: Database[Document], announcer: Announcer, settings: Settings, order_id: str, *, by: str
) -> Order:
    """The order, pending again and announced. Raises `OrderNotFound`, `OrderNotRetryable`, `Unavailable`."""
    order = _reopen(database, settings, order_id, by)
    announcer.announce([order_id])
    return order


def retry_orders(
    database: Database[Document], announce: Announce, settings: Settings, order_ids: Iterable[str], *, by: str
) -> RetriedOrders:
    """For one who can wait until they are announced. If the process dies meanwhile, the sweeper announces them."""
    outcomes: list[Order | OrderNotFound | OrderNotRetryable] = []
    outage = None
    for order_id in order_ids:
        try:
            outcomes.append(_reopen(database, settings, order_id, by))
        except (OrderNotFound, OrderNotRetryable) as refusal:
            outcomes.append(refusal)
        except Unavailable as error:
            outage = error
            break
    reopened = [outcome.order_id for outcome in outcomes if isinstance(outcome, Order)]
    return RetriedOrders(outcomes, _announced(announce, reopened), outage)


def reopen_failed(database: Database[Document], settings: Settings, order_ids: Iterable[str], *, by: str) -> None:
    """For one who decides them next: those that failed are pending again. Raises `Unavailable`."""
    for order_id in order_ids:
        with suppress(OrderNotFound, OrderNotRetryable):
            _reopen(database, settings, order_id, by)


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
