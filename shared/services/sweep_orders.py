"""The sweeper: announces pending orders again whose time has come. It is what keeps "nothing accepted is lost"."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import structlog
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.settings import Settings
from shared.store.announcements import claim_due, give_back
from shared.store.connection import Document

Announce = Callable[[Sequence[str]], None]
"""Sends one message for some orders, or raises `Unavailable`."""

MESSAGE_MAX = 500
"""Order ids in one message, so that several tasks can share the work."""

log = structlog.get_logger(__name__)


def sweep_orders(database: Database[Document], announce: Announce, settings: Settings) -> int:
    """Claim and announce one batch; the number announced. Raises `Unavailable` when MongoDB is.

    If the process dies between the claim and the message, the doubled interval passes and another sweep takes them.
    """
    claim, at = uuid4().hex, now()
    order_ids = claim_due(
        database,
        claim=claim,
        at=at,
        limit=settings.sweep_batch_max,
        interval_max_seconds=settings.announce_interval_max_seconds,
    )
    for start in range(0, len(order_ids), MESSAGE_MAX):
        try:
            announce(order_ids[start : start + MESSAGE_MAX])
        except Unavailable as error:
            left = order_ids[start:]
            give_back(database, left, claim=claim, due_at=at + timedelta(seconds=settings.announce_after_seconds))
            log.warning("sweep could not announce", orders=len(left), error=repr(error.__cause__))
            return start
    if order_ids:
        log.info("pending orders announced again", orders=len(order_ids))
    return len(order_ids)
