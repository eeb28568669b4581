"""Deciding orders: the tasks that run side by side in one worker process share one transaction, or a few.

An order that was tried in vain before is tried alone: what it does to its worker then, it does to no other order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from pymongo.database import Database

from shared.cache import LeaseCache
from shared.clock import now
from shared.cpu_idle import SpareCpu
from shared.domain.allocation import Decision, PendingOrder
from shared.domain.errors import Unavailable
from shared.domain.independent import independent_parts
from shared.group_commit import GroupCommit
from shared.notices import FinishedOrders
from shared.services.attempts import Attempts
from shared.services.counting import count_decisions
from shared.services.product_changes import report_low_stock
from shared.settings import Settings
from shared.side_by_side import side_by_side
from shared.slices import slices
from shared.store.connection import Document
from shared.store.decisions import decide_pending, read_pending
from shared.turns import Turns

TRANSACTION_ORDERS_MIN = 100
"""A transaction costs about as much as ten orders, however many it decides: small batches are not divided."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Announced:
    """`again`: not for the first time."""

    order_id: str
    again: bool


class OrderDecider:
    """One a process."""

    def __init__(
        self,
        database: Database[Document],
        product_cache: LeaseCache,
        finished_orders: FinishedOrders,
        turns: Turns,
        settings: Settings,
    ) -> None:
        self._database = database
        self._product_cache = product_cache
        self._finished_orders = finished_orders
        self._turns = turns
        self._spare_cpu = SpareCpu()
        self._attempts = Attempts(database, finished_orders, attempts_max=settings.attempts_max)
        self._transactions_max = settings.decide_transactions_max
        self._transaction_orders_max = settings.decide_batch_max
        self._batch_max = self._transactions_max * self._transaction_orders_max
        self._group = GroupCommit[Announced, Decision | None]("order-decider", self._commit, batch_max=self._batch_max)

    def decide(self, order_ids: Sequence[str], *, again: bool = False) -> dict[str, Decision | None]:
        """Returns when each of the orders is final, or left to a later attempt. `again`: they were announced before.

        By order id; None for one that was not pending any more, that failed, or that is left to a later attempt.
        Raises `Unavailable` when MongoDB is; then repeat it. What else it raises is no order's fault.
        """
        distinct = list(dict.fromkeys(order_ids))
        outcomes = self._outcomes([Announced(order_id, again) for order_id in distinct])
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if errors:
            log.warning("orders can't be decided now", orders=len(errors), error=repr(errors[0].__cause__ or errors[0]))
            raise errors[0]
        decisions = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
        return dict(zip(distinct, decisions, strict=True))

    def close(self, timeout_seconds: float) -> None:
        self._group.close(timeout_seconds)

    def _outcomes(self, announced: Sequence[Announced]) -> list[Decision | Exception | None]:
        """A message may name more orders than should be decided at a time."""
        tickets = [self._group.submit(part) for part in slices(announced, self._batch_max)]
        return [outcome for ticket in tickets for outcome in ticket.outcomes()]

    def _commit(self, announced: Sequence[Announced]) -> list[Decision | None]:
        """None for an order that was not pending, since another delivery has decided it, or that was tried in vain."""
        order_ids = dict.fromkeys(order.order_id for order in announced)
        again = {order.order_id for order in announced if order.again}
        suspects = self._attempts.suspects_among(sorted(again))
        alone = {suspect.order_id for suspect in suspects}
        decisions = self._decide([order_id for order_id in order_ids if order_id not in alone], sorted(again - alone))
        for suspect in suspects:
            if self._attempts.may_be_tried(suspect):
                decisions |= self._decide([suspect.order_id], [suspect.order_id])
        return [decisions.get(order.order_id) for order in announced]

    def _decide(self, order_ids: Sequence[str], again: Sequence[str]) -> dict[str, Decision]:
        """By order id. An order that stands alone may fail; any other error is raised, and the batch is split by it."""
        try:
            with self._attempts.with_name_on(again):
                return self._decide_pending(read_pending(self._database, order_ids)) if order_ids else {}
        except Unavailable:
            raise
        except Exception as error:
            if len(order_ids) > 1:
                raise
            self._attempts.count(order_ids[0], error)
            return {}

    def _decide_pending(self, orders: Sequence[PendingOrder]) -> dict[str, Decision]:
        """In several transactions side by side, if there are enough orders that share no product, and CPU to spare."""
        if not orders:
            return {}  # all were decided before: no reason to wait for a turn
        count = min(self._transactions_max, len(orders) // TRANSACTION_ORDERS_MIN)
        if not self._spare_cpu.is_there():
            count = 1
        parts = independent_parts(orders, count) if count > 1 else [orders]
        with self._turns.turn():
            outcomes = side_by_side([partial(self._decide_part, part) for part in parts])
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if errors:
            # An outage first: no order is at fault, and nobody tries them one by one meanwhile.
            raise next((error for error in errors if isinstance(error, Unavailable)), errors[0])
        return dict(item for part in outcomes if not isinstance(part, BaseException) for item in part.items())

    def _decide_part(self, orders: Sequence[PendingOrder]) -> dict[str, Decision]:
        decided: dict[str, Decision] = {}
        for part in slices(orders, self._transaction_orders_max):
            decided |= self._decide_and_tell(part)
        return decided

    def _decide_and_tell(self, orders: Sequence[PendingOrder]) -> dict[str, Decision]:
        with self._product_cache.changing() as warn:
            decided = decide_pending(self._database, orders, at=now(), warn=warn)
        if decided.runs > 1:
            self._turns.met_conflict()
        decisions = decided.decisions
        self._finished_orders.publish([decision.order_id for decision in decisions])
        report_low_stock(decided.ran_low)
        if decisions:
            confirmed = count_decisions(decisions, batch=len(orders), at=now())
            log.info("orders decided", batch=len(orders), confirmed=confirmed, rejected=len(decisions) - confirmed)
        return {decision.order_id: decision for decision in decisions}
