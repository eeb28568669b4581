"""Retrying a failed order: an operator's way out of the dead letters."""

import structlog
from pymongo.database import Database

from shared.clock import now
from shared.domain.order import Order
from shared.queue import Announcer
from shared.settings import Settings
from shared.store.connection import Document
from shared.store.orders import reopen_order

log = structlog.get_logger(__name__)


def retry_order(
    database: Database[Document], announcer: Announcer, settings: Settings, order_id: str, *, by: str
) -> Order:
    """The order, pending again and announced. Raises `OrderNotFound`, `OrderNotRetryable`, `Unavailable`."""
    order = reopen_order(database, order_id, at=now(), announce_after_seconds=settings.announce_after_seconds)
    announcer.announce([order_id])
    log.info("order retried", order_id=order_id, by=by)
    return order
