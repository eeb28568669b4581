"""The order that has been pending for longest, without an index that knows it: such an index costs each decision.

Orders are looked at in the order of their acceptance, which an index has. One that was retried waits since then and
not since its acceptance, so one that was accepted after it may have waited longer. But none has that was accepted after
the longest wait among those before it began: where no order was retried, that is the second one.
"""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from pymongo import ASCENDING
from pymongo.database import Database

from shared.domain.order import Status, first_order_id
from shared.store.connection import Document
from shared.store.documents import DATES
from shared.store.errors import outage_as_unavailable

LOOKS = (10, 1_000)
"""So many orders are looked at; when they do not tell, so many. One round trip each."""


@dataclass(frozen=True, slots=True)
class OldestPending:
    """`since` its acceptance, or since it was retried."""

    order_id: str
    since: datetime


def oldest_pending(database: Database[Document]) -> OldestPending | None:
    """Exact while fewer retried orders are pending than the last of `LOOKS`.

    With more it may be one that has waited less, until they are decided; never one that seems older than it is.
    Raises `Unavailable`.
    """
    oldest = None
    for limit in LOOKS:
        looked_at = _first_pending(database, limit)
        oldest = min(looked_at, key=attrgetter("since"), default=None)
        if len(looked_at) < limit or (oldest and _is_accepted_later(looked_at[-1].order_id, oldest.since)):
            break
    return oldest


def _first_pending(database: Database[Document], limit: int) -> list[OldestPending]:
    """Without those that are damaged: they say nothing of the others."""
    with outage_as_unavailable():
        found = database.orders.find(
            {"status": Status.PENDING.value, "updated_at": DATES},
            {"updated_at": 1},
            sort=[("_id", ASCENDING)],
            limit=limit,
            batch_size=limit + 1,
        )
        return [OldestPending(document["_id"], document["updated_at"]) for document in found]


def _is_accepted_later(order_id: object, at: datetime) -> bool:
    """An id of another type, written by hand, has no time."""
    return isinstance(order_id, str) and order_id >= first_order_id(at)
