"""Accepting an order: it is on disk on a majority of MongoDB when `accept` returns, and announced soon after."""

from collections.abc import Iterable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

import uuid_utils
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.domain.idempotency import Idempotency, check_same_request, idempotency_of
from shared.domain.order import Line, Order, new_order
from shared.group_commit import GroupCommit
from shared.queue import Announcer
from shared.settings import Settings
from shared.store.connection import Document
from shared.store.orders import FirstOrder, InsertOutcome, Submission, insert_orders

ANSWER_SECONDS = 10.0
"""No request waits longer. Every commit is bounded by the client's own, shorter timeout; this is the backstop."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """`replayed`: the order is the one that the same request made before, with the same idempotency key."""

    order: Order
    replayed: bool


class OrderAcceptor:
    """One a process: the requests that it serves side by side share one insert and one message."""

    def __init__(self, database: Database[Document], announcer: Announcer, settings: Settings) -> None:
        self._database = database
        self._announcer = announcer
        self._announce_after_seconds = settings.announce_after_seconds
        self._group = GroupCommit[Submission, InsertOutcome](
            "order-acceptor", self._commit, batch_max=settings.accept_batch_max
        )

    def accept(
        self, customer: str, lines: Iterable[Line], *, reference: str | None, idempotency_key: str | None
    ) -> Accepted:
        """Raises `IdempotencyKeyReuse`, `WriteRefused`, `Unavailable`."""
        order = new_order(str(uuid_utils.uuid7()), customer, lines, reference=reference, at=now())
        idempotency = idempotency_of(idempotency_key, request_of(order))
        outcome = self._outcome(Submission(order, idempotency))
        if isinstance(outcome, Order):
            return Accepted(outcome, replayed=False)
        if isinstance(outcome, FirstOrder):
            return _replay(outcome, idempotency)
        raise outcome

    def close(self, timeout_seconds: float) -> None:
        """Answer what was taken in and take nothing more."""
        self._group.close(timeout_seconds)
        self._announcer.close(timeout_seconds)

    def _outcome(self, submission: Submission) -> InsertOutcome | Exception:
        try:
            [outcome] = self._group.submit([submission]).result(ANSWER_SECONDS)
        except FutureTimeoutError as error:
            raise Unavailable("MongoDB") from error
        return outcome

    def _commit(self, submissions: Sequence[Submission]) -> list[InsertOutcome]:
        outcomes = insert_orders(self._database, submissions, announce_after_seconds=self._announce_after_seconds)
        accepted = [outcome.order_id for outcome in outcomes if isinstance(outcome, Order)]
        if accepted:
            self._announcer.announce(accepted)
        return outcomes


def request_of(order: Order) -> dict[str, Any]:
    """What the order asks for; the same lines in another order or not added up ask for the same."""
    return {
        "items": sorted((line.sku, line.quantity) for line in order.items),
        "reference": order.reference,
    }


def _replay(first: FirstOrder, idempotency: Idempotency | None) -> Accepted:
    if idempotency:
        check_same_request(idempotency, first.fingerprint)
    return Accepted(first.order, replayed=True)
