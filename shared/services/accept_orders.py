"""Accepting an order: it is on disk on a majority of MongoDB when `accept` returns, and announced soon after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import uuid_utils
from pymongo.database import Database

from shared.domain.errors import IdempotencyKeyReuse, QueueTooLong, Unavailable, WriteRefused
from shared.domain.idempotency import check_same_request, idempotency_of
from shared.domain.order import Line, Order, accepted_at, new_order
from shared.group_commit import GroupCommit
from shared.metrics import ORDERS_REFUSED, ORDERS_REPLAYED
from shared.queue import Announcement, Announcer
from shared.services.backpressure import Backpressure
from shared.services.counting import count_inserted, count_refused
from shared.settings import Settings
from shared.store.connection import Document
from shared.store.orders import FirstOrder, InsertOutcome, Submission, insert_orders

ANSWER_SECONDS = 10.0
"""No request waits longer. Every commit is bounded by the client's own, shorter timeout; this is the backstop."""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    lines: Sequence[Line]
    reference: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """`replayed`: the order is the one that the same request made before, with the same idempotency key."""

    order: Order
    replayed: bool


class OrderAcceptor:
    """One a process: the requests that it serves side by side share one insert and one message."""

    def __init__(
        self, database: Database[Document], announcer: Announcer, backpressure: Backpressure, settings: Settings
    ) -> None:
        self._database = database
        self._backpressure = backpressure
        self._announcer = announcer
        self._announce_after_seconds = settings.announce_after_seconds
        self._group = GroupCommit[Submission, InsertOutcome](
            "order-acceptor", self._commit, batch_max=settings.accept_batch_max
        )

    def accept(self, customer: str, request: OrderRequest, *, request_id: str | None = None) -> Accepted:
        """Raises `IdempotencyKeyReuse`, `WriteRefused`, `QueueTooLong`, `Unavailable`."""
        [outcome] = self.accept_all(customer, [request], request_id=request_id)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def accept_all(
        self, customer: str, requests: Sequence[OrderRequest], *, request_id: str | None = None
    ) -> list[Accepted | Exception]:
        """All in one insert and one message; the outcome of each at its place. `request_id` is for the logs of others.

        Raises `QueueTooLong` and `Unavailable` for all of them.
        """
        try:
            return self._accept_all(customer, requests, request_id)
        except (QueueTooLong, Unavailable) as error:
            count_refused(error, len(requests))
            raise

    def _accept_all(
        self, customer: str, requests: Sequence[OrderRequest], request_id: str | None
    ) -> list[Accepted | Exception]:
        self._backpressure.check()
        submissions = [_submission(customer, request, request_id) for request in requests]
        try:
            outcomes = self._group.submit(submissions).outcomes(ANSWER_SECONDS)
        except TimeoutError as error:
            raise Unavailable("MongoDB") from error
        for outcome in outcomes:
            if isinstance(outcome, Unavailable):
                raise outcome
        return [_accepted(*pair) for pair in zip(submissions, outcomes, strict=True)]

    def close(self, timeout_seconds: float) -> None:
        """Answer what was taken in and take nothing more."""
        self._group.close(timeout_seconds)
        self._announcer.close(timeout_seconds)

    def _commit(self, submissions: Sequence[Submission]) -> list[InsertOutcome]:
        outcomes = insert_orders(self._database, submissions, announce_after_seconds=self._announce_after_seconds)
        count_inserted(outcomes)
        accepted = [
            Announcement(outcome.order_id, submission.request_id)
            for submission, outcome in zip(submissions, outcomes, strict=True)
            if isinstance(outcome, Order)
        ]
        if accepted:
            self._announcer.announce(accepted)
        return outcomes


def request_of(order: Order) -> dict[str, Any]:
    """What the order asks for; the same lines in another order or not added up ask for the same."""
    return {
        "items": sorted((line.sku, line.quantity) for line in order.items),
        "reference": order.reference,
    }


def _submission(customer: str, request: OrderRequest, request_id: str | None) -> Submission:
    order_id = str(uuid_utils.uuid7())
    order = new_order(order_id, customer, request.lines, reference=request.reference, at=accepted_at(order_id))
    return Submission(order, idempotency_of(request.idempotency_key, request_of(order)), request_id)


def _accepted(submission: Submission, outcome: InsertOutcome | Exception) -> Accepted | Exception:
    if isinstance(outcome, Order):
        return Accepted(outcome, replayed=False)
    if isinstance(outcome, FirstOrder):
        try:
            check_same_request(submission.idempotency, outcome.fingerprint)
        except IdempotencyKeyReuse as error:
            ORDERS_REFUSED["idempotency_key_reuse"].inc()
            return error
        ORDERS_REPLAYED.inc()
        return Accepted(outcome.order, replayed=True)
    if isinstance(outcome, WriteRefused):
        ORDERS_REFUSED["write_refused"].inc()
    return outcome
