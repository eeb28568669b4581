"""The sweeper: announces pending orders again whose time has come. It is what keeps "nothing accepted is lost"."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from pymongo.database import Database

from shared.domain.errors import Unavailable
from shared.metrics import ORDERS_SWEPT, SWEEPS
from shared.settings import Settings
from shared.store.announcements import any_due, claim_due, give_back
from shared.store.connection import Document, store_now

Announce = Callable[[Sequence[str]], None]
"""Sends one message for some orders, or raises `Unavailable`."""

Queued = Callable[[], int]
"""How many messages wait to be processed; or raises `Unavailable`."""

MESSAGE_MAX = 500
"""Order ids in one message, so that several tasks can share the work."""

QUEUED_MAX = 20
"""Messages that may wait before sweeps hold back: what is announced to a full queue is only announced too early."""

log = structlog.get_logger(__name__)


def sweep_orders(database: Database[Document], announce: Announce, queued: Queued, settings: Settings) -> int:
    """Claim and announce what is due, as much as the queue has room for; the number announced.

    After an outage this keeps the workers busy, and lets those through which are accepted meanwhile. Of a full queue it
    has a little all the same: what fills it may be messages that nobody needs. Raises `Unavailable` when MongoDB is.

    If the process dies between the claim and the message, the doubled interval passes and another sweep takes them.
    """
    try:
        room = max(1, QUEUED_MAX - queued()) * MESSAGE_MAX
    except Unavailable as error:
        log.warning("sweep put off: the broker is away", error=repr(error.__cause__))
        return 0
    claim, at = uuid4().hex, _store_now(database)
    order_ids = claim_due(
        database,
        claim=claim,
        at=at,
        limit=min(settings.sweep_batch_max, room),
        interval_max_seconds=settings.announce_interval_max_seconds,
    )
    for start in range(0, len(order_ids), MESSAGE_MAX):
        try:
            announce(order_ids[start : start + MESSAGE_MAX])
            ORDERS_SWEPT.inc(len(order_ids[start : start + MESSAGE_MAX]))
        except Unavailable as error:
            left = order_ids[start:]
            give_back(database, left, claim=claim, due_at=at + timedelta(seconds=settings.announce_after_seconds))
            log.warning("sweep could not announce", orders=len(left), error=repr(error.__cause__))
            return start
    SWEEPS.inc()
    if order_ids:
        log.info("pending orders announced again", orders=len(order_ids))
    return len(order_ids)


def others_due(database: Database[Document], settings: Settings) -> bool:
    """Whether the next sweep will find some. Raises `Unavailable`."""
    at = _store_now(database)
    return any_due(database, at=at, interval_max_seconds=settings.announce_interval_max_seconds)


def _store_now(database: Database[Document]) -> datetime:
    """Not by our own clock: what is due must not depend on who sweeps."""
    at = store_now(database)
    if at is None:
        raise Unavailable("MongoDB")
    return at
