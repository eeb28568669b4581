"""What the services count of orders, a batch at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.domain.allocation import Confirmed, Decision
from shared.domain.errors import QueueTooLong, Unavailable
from shared.domain.order import Order
from shared.metrics import (
    ACCEPT_BATCH,
    DECIDE_BATCH,
    DECISION_SECONDS,
    ORDERS_ACCEPTED,
    ORDERS_DECIDED,
    ORDERS_REFUSED,
)
from shared.notices import accepted_moments
from shared.store.orders import InsertOutcome


def count_inserted(outcomes: Sequence[InsertOutcome]) -> None:
    """Once per insert, before its requests are answered: whoever has an answer finds it counted."""
    ACCEPT_BATCH.observe(len(outcomes))
    ORDERS_ACCEPTED.inc(sum(isinstance(outcome, Order) for outcome in outcomes))


def count_refused(error: QueueTooLong | Unavailable, orders: int) -> None:
    ORDERS_REFUSED["queue_too_long" if isinstance(error, QueueTooLong) else "unavailable"].inc(orders)


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
