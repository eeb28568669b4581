"""What the services count of orders, a batch at a time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import TypeVar

from shared.domain.allocation import Confirmed, Decision
from shared.domain.errors import QueueTooLong, Unavailable, WriteRefused
from shared.domain.order import Order
from shared.metrics import (
    ACCEPT_BATCH,
    DECIDE_BATCH,
    DECISION_SECONDS,
    ORDERS_ACCEPTED,
    ORDERS_DECIDED,
    ORDERS_REFUSED,
    ORDERS_REPLAYED,
)
from shared.notices import accepted_moments
from shared.store.orders import FirstOrder, InsertOutcome, Submission

R = TypeVar("R")
Self = TypeVar("Self")
Request = TypeVar("Request")


def count_inserted(submissions: Sequence[Submission], outcomes: Sequence[InsertOutcome]) -> None:
    """Once per insert, before its requests are answered: whoever has an answer finds it counted."""
    ACCEPT_BATCH.observe(len(outcomes))
    accepted = sum(isinstance(outcome, Order) for outcome in outcomes)
    ORDERS_ACCEPTED.inc(accepted)
    if accepted < len(outcomes):
        for submission, outcome in zip(submissions, outcomes, strict=True):
            _count_not_inserted(submission, outcome)


def _count_not_inserted(submission: Submission, outcome: InsertOutcome) -> None:
    if isinstance(outcome, WriteRefused):
        ORDERS_REFUSED["write_refused"].inc()
    elif isinstance(outcome, FirstOrder):
        same = submission.idempotency is None or submission.idempotency.fingerprint == outcome.fingerprint
        (ORDERS_REPLAYED if same else ORDERS_REFUSED["idempotency_key_reuse"]).inc()


def counting_refused(
    accept_all: Callable[[Self, str, Sequence[Request]], R],
) -> Callable[[Self, str, Sequence[Request]], R]:
    """For what accepts some requests, or refuses them all by raising."""

    @wraps(accept_all)
    def counted(self: Self, customer: str, requests: Sequence[Request]) -> R:
        try:
            return accept_all(self, customer, requests)
        except QueueTooLong:
            ORDERS_REFUSED["queue_too_long"].inc(len(requests))
            raise
        except Unavailable:
            ORDERS_REFUSED["unavailable"].inc(len(requests))
            raise

    return counted


def count_decisions(decisions: Sequence[Decision], *, batch: int, at: datetime) -> int:
    """After the commit; how many were confirmed. `batch`: the orders that the transaction was to decide."""
    DECIDE_BATCH.observe(batch)
    confirmed = sum(isinstance(decision, Confirmed) for decision in decisions)
    ORDERS_DECIDED["confirmed"].inc(confirmed)
    ORDERS_DECIDED["rejected"].inc(len(decisions) - confirmed)
    _observe_ages(decisions, at)
    return confirmed


def _observe_ages(decisions: Iterable[Decision], at: datetime) -> None:
    """The clocks of API and worker may differ: nobody waited for less than no time."""
    now = at.timestamp()
    accepted = accepted_moments(decision.order_id for decision in decisions)
    DECISION_SECONDS.observe_all(max(0.0, now - moment) for moment in accepted)
