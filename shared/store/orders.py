"""Orders in MongoDB: inserted in batches, read one by one, claimed by the sweeper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from shared.domain.errors import OrderNotFound, OrderNotRetryable, Unavailable, WriteRefused
from shared.domain.idempotency import Idempotency
from shared.domain.order import Order, Status
from shared.store.connection import Document
from shared.store.documents import (
    announcement_value,
    history_value,
    idempotency_value,
    order_document,
    order_from,
)
from shared.store.errors import DUPLICATE_KEY, outage_as_unavailable


@dataclass(frozen=True, slots=True)
class Submission:
    """`request_id` is not stored: it goes with the order as far as logs do."""

    order: Order
    idempotency: Idempotency | None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """The order that had the idempotency key first, with the fingerprint of its request."""

    order: Order
    fingerprint: str


InsertOutcome = Order | FirstOrder | WriteRefused


def insert_orders(
    database: Database[Document], submissions: Sequence[Submission], *, announce_after_seconds: int
) -> list[InsertOutcome]:
    """Insert all in one round trip; the outcome of each at its place in the list.

    Safe to repeat with the same submissions: an order that is there already, by its own id, counts as inserted.
    A duplicate's outcome is on a majority too: MongoDB waits for the write concern before it reports one.
    Raises `Unavailable` when some may not be stored durably.
    """
    documents = [_document(submission, announce_after_seconds) for submission in submissions]
    outcomes: list[InsertOutcome] = [submission.order for submission in submissions]
    try:
        with outage_as_unavailable():
            database.orders.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if error.details["writeConcernErrors"]:
            raise Unavailable("MongoDB") from error
        for write_error in error.details["writeErrors"]:
            if write_error["code"] != DUPLICATE_KEY:
                outcomes[write_error["index"]] = WriteRefused(write_error["code"])
        duplicates = [e["index"] for e in error.details["writeErrors"] if e["code"] == DUPLICATE_KEY]
        _resolve_duplicates(database, submissions, outcomes, duplicates)
    return outcomes


def find_order(database: Database[Document], order_id: str, *, customer: str | None = None) -> Order:
    """`customer` must be the order's, unless it is None. Raises `OrderNotFound`, `Unavailable`."""
    with outage_as_unavailable():
        document = database.orders.find_one(named_order(order_id, customer))
    if document is None:
        raise OrderNotFound(order_id)
    return order_from(document)


def named_order(order_id: str, customer: str | None) -> Document:
    """Someone else's order is not there: the same query finds neither, in the same time."""
    return {"_id": order_id} if customer is None else {"_id": order_id, "customer": customer}


def reopen_order(
    database: Database[Document], order_id: str, *, by: str, at: datetime, announce_after_seconds: int
) -> Order:
    """Move a failed order back to `pending`. Raises `OrderNotFound`, `OrderNotRetryable`, `Unavailable`."""
    with outage_as_unavailable():
        document = database.orders.find_one_and_update(
            {"_id": order_id, "status": Status.FAILED.value},
            {
                "$set": {
                    "status": Status.PENDING.value,
                    "reason": None,
                    "attempts": 0,
                    "updated_at": at,
                    **announcement_value(at, announce_after_seconds),
                },
                "$unset": {"error": "", "tried_by": ""},
                "$push": {"history": history_value(Status.PENDING, at, by=by)},
            },
            return_document=ReturnDocument.AFTER,
        )
    if document is None:
        raise OrderNotRetryable(order_id, find_order(database, order_id).status.value)
    return order_from(document)


def _document(submission: Submission, announce_after_seconds: int) -> Document:
    document = order_document(submission.order, announce_after_seconds=announce_after_seconds)
    return {**document, **idempotency_value(submission.idempotency)}


def _resolve_duplicates(
    database: Database[Document],
    submissions: Sequence[Submission],
    outcomes: list[InsertOutcome],
    duplicates: Sequence[int],
) -> None:
    """Put the first order in the place of each that came second; one read for all of them.

    A duplicate without a key can only be its own order, inserted when the batch was tried before.
    """
    keyed = [
        (place, (submissions[place].order.customer, idempotency.key))
        for place in duplicates
        if (idempotency := submissions[place].idempotency)
    ]
    if not keyed:
        return
    first_orders = _first_orders(database, {holder for _, holder in keyed})
    for place, holder in keyed:
        if first_orders[holder].order.order_id != submissions[place].order.order_id:
            outcomes[place] = first_orders[holder]


def _first_orders(
    database: Database[Document], holders: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], FirstOrder]:
    """By customer and key."""
    either = [{"customer": customer, "idempotency.key": key} for customer, key in holders]
    with outage_as_unavailable():
        found = list(database.orders.find({"$or": either}, batch_size=len(either) + 1))
    return {
        (document["customer"], document["idempotency"]["key"]): FirstOrder(
            order_from(document), document["idempotency"]["fingerprint"]
        )
        for document in found
    }
