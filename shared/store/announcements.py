"""The outbox side of the orders: which pending ones are due to be announced again, and who announces them.

A claim is a compare-and-set: it only takes orders that are still pending and still due, and moves their next
date on by a doubled interval. Two sweepers at once therefore share the work instead of doing it twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING
from pymongo.database import Database

from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.errors import outage_as_unavailable

PENDING = {"status": Status.PENDING.value}


def claim_due(
    database: Database[Document], *, claim: str, at: datetime, limit: int, interval_max_seconds: int
) -> list[str]:
    """The ids of up to `limit` due orders, the longest due first, that now belong to `claim` alone."""
    due = _due(at, interval_max_seconds)
    with outage_as_unavailable():
        candidates = database.orders.find(due, {"_id": 1}, sort=[("next_announce_at", ASCENDING)], limit=limit)
        # An id of another type, written by hand, is no message's; it must not take the others along.
        ids = [document["_id"] for document in candidates if isinstance(document["_id"], str)]
        if not ids:
            return []
        database.orders.update_many({"_id": {"$in": ids}, **due}, _moved_on(claim, at, interval_max_seconds))
        return [document["_id"] for document in database.orders.find({"_id": {"$in": ids}, "claim": claim}, {"_id": 1})]


def any_due(database: Database[Document], *, at: datetime, interval_max_seconds: int) -> bool:
    with outage_as_unavailable():
        return database.orders.find_one(_due(at, interval_max_seconds), {"_id": 1}) is not None


def give_back(database: Database[Document], order_ids: Sequence[str], *, claim: str, due_at: datetime) -> None:
    """The announcement failed: let the next sweep try again, from `due_at` on."""
    with outage_as_unavailable():
        database.orders.update_many(
            {"_id": {"$in": list(order_ids)}, "claim": claim, **PENDING},
            {"$set": {"next_announce_at": due_at}},
        )


def _due(at: datetime, interval_max_seconds: int) -> Document:
    """Also what has no date, and what is further away than any interval: a clock that was ahead has written that."""
    never = at + timedelta(seconds=2 * interval_max_seconds)
    dates: list[Document] = [{"$lte": at}, {"$gt": never}, {"$eq": None}]
    return {**PENDING, "$or": [{"next_announce_at": date} for date in dates]}


def _moved_on(claim: str, at: datetime, interval_max_seconds: int) -> list[Document]:
    """Later by the doubled interval; a pipeline, so that each order's own interval is what is doubled.

    One whose interval is no number of seconds gets the longest: its update must not fail, and all the others' with it.
    """
    interval = "$announce_interval_seconds"
    is_sound = {"$and": [{"$isNumber": interval}, {"$gt": [interval, 0]}]}
    sound = {"$cond": [is_sound, interval, interval_max_seconds]}
    doubled = {"$min": [{"$multiply": [sound, 2]}, interval_max_seconds]}
    return [
        {"$set": {"announce_interval_seconds": doubled, "claim": claim}},
        {"$set": {"next_announce_at": {"$add": [at, {"$multiply": ["$announce_interval_seconds", 1000]}]}}},
    ]
