"""Failed attempts to process an order, counted on the order itself: it must not be tried, or end workers, for ever.

A worker that dies can't count. So it leaves its name on the orders that it tries (`tried_by`), and whoever finds the
name of another one there counts the attempt for it. That costs a write, and is done only for orders that are announced
for the second time or later: in the normal way there are none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pymongo
from pymongo import ReturnDocument, WriteConcern
from pymongo.database import Database
from pymongo.errors import OperationFailure, WriteError

from shared.domain.errors import OrderUnreadable
from shared.domain.order import Reason, Status
from shared.store.connection import Document
from shared.store.documents import history_value, reason_value
from shared.store.errors import outage_as_unavailable

NOT_JOURNALED = WriteConcern(w=1)
"""For a name that must outlive the worker, not the server."""

TAKE_BACK_SECONDS = 1.0

BAD_VALUE, TYPE_MISMATCH = 2, 14
"""https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml"""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A pending order that was tried in vain. `tried_by` is a worker that did not come to an end with it, if any."""

    order_id: str
    attempts: int
    tried_by: str | None


def find_suspects(database: Database[Document], order_ids: Sequence[str], *, worker: str) -> list[Suspect]:
    """Those among the orders that failed before, or have the name of another than `worker` on them."""
    tried = [{"attempts": {"$gt": 0}}, {"tried_by": {"$nin": [None, worker]}}]
    condition = {"_id": {"$in": list(order_ids)}, "status": Status.PENDING.value, "$or": tried}
    with outage_as_unavailable():
        found = list(database.orders.find(condition, {"attempts": 1, "tried_by": 1}, sort=[("_id", 1)]))
    return [
        Suspect(document["_id"], document.get("attempts", 0), _another(document.get("tried_by"), worker))
        for document in found
    ]


def leave_name(database: Database[Document], order_ids: Sequence[str], *, worker: str) -> None:
    with outage_as_unavailable():
        orders = database.orders.with_options(write_concern=NOT_JOURNALED)
        orders.update_many(
            {"_id": {"$in": list(order_ids)}, "status": Status.PENDING.value}, {"$set": {"tried_by": worker}}
        )


def take_name_back(database: Database[Document], order_ids: Sequence[str], *, worker: str) -> None:
    """Nothing came of it, and not because of the orders. MongoDB is likely to be away: it is not waited for."""
    with outage_as_unavailable(), pymongo.timeout(TAKE_BACK_SECONDS):
        orders = database.orders.with_options(write_concern=NOT_JOURNALED)
        orders.update_many({"_id": {"$in": list(order_ids)}, "tried_by": worker}, {"$unset": {"tried_by": ""}})


def count_attempt(
    database: Database[Document], order_id: str, *, error: str, worker: str, at: datetime, tried_by: str | None = None
) -> int | None:
    """The attempts with this one; None when the order is not pending any more. `error` is for operators alone.

    With `tried_by` only while that name is on it, so that of two who find the name one counts.
    Raises `OrderUnreadable` when what is stored can't be counted up.
    """
    condition: Document = {"_id": order_id, "status": Status.PENDING.value}
    if tried_by is not None:
        condition["tried_by"] = tried_by
    change = {
        "$inc": {"attempts": 1},
        "$set": {"error": {"text": error, "at": at, "worker": worker}},
        "$unset": {"tried_by": ""},
    }
    try:
        with outage_as_unavailable():
            document = database.orders.find_one_and_update(
                condition, change, {"attempts": 1}, return_document=ReturnDocument.AFTER
            )
    except OperationFailure as error:
        if error.code != TYPE_MISMATCH:
            raise
        raise OrderUnreadable(order_id, f"attempts is no number: {error.details}") from error
    return int(document["attempts"]) if document else None


def fail_order(database: Database[Document], order_id: str, reason: Reason, *, at: datetime) -> bool:
    """Move a pending order to `failed`; False when it is not pending."""
    pending = {"_id": order_id, "status": Status.PENDING.value}
    failed = {"status": Status.FAILED.value, "reason": reason_value(reason), "updated_at": at}
    entry = history_value(Status.FAILED, at)
    with outage_as_unavailable():
        try:
            result = database.orders.update_one(pending, {"$set": failed, "$push": {"history": entry}})
        except WriteError as error:
            if error.code != BAD_VALUE:
                raise
            # Its history is no list, which is no reason to try it for ever.
            result = database.orders.update_one(pending, {"$set": {**failed, "history": [entry]}})
    return result.modified_count == 1


def _another(name: str | None, worker: str) -> str | None:
    return None if name == worker else name
