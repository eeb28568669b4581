"""Deciding orders: the tasks that run side by side in one worker process share one transaction."""

from collections.abc import Sequence

import structlog
from pymongo.database import Database

from shared.cache import LeaseCache
from shared.clock import now
from shared.domain.allocation import Confirmed, Decision
from shared.domain.errors import Unavailable
from shared.domain.order import Reason, ReasonCode
from shared.group_commit import GroupCommit
from shared.notices import FinishedOrders
from shared.services.product_changes import report_low_stock
from shared.settings import Settings
from shared.store.connection import Document
from shared.store.decisions import decide_pending
from shared.store.orders import fail_order

log = structlog.get_logger(__name__)


class OrderDecider:
    """One a process."""

    def __init__(
        self,
        database: Database[Document],
        product_cache: LeaseCache,
        finished_orders: FinishedOrders,
        settings: Settings,
    ) -> None:
        self._database = database
        self._product_cache = product_cache
        self._finished_orders = finished_orders
        self._batch_max = settings.decide_batch_max
        self._group = GroupCommit[str, Decision | None]("order-decider", self._commit, batch_max=self._batch_max)

    def decide(self, order_ids: Sequence[str]) -> None:
        """Returns when each of the orders is final. Raises `Unavailable` when MongoDB is; then repeat it.

        An order that can't be processed becomes `failed`, and the others of its batch go on.
        """
        outcomes = self._outcomes(order_ids)
        outages = []
        for order_id, outcome in zip(order_ids, outcomes, strict=True):
            if isinstance(outcome, Unavailable):
                outages.append(outcome)
            elif isinstance(outcome, Exception):
                self._fail(order_id, outcome)
        if outages:
            log.warning("orders can't be decided now", orders=len(outages), error=repr(outages[0].__cause__))
            raise outages[0]

    def close(self, timeout_seconds: float) -> None:
        self._group.close(timeout_seconds)

    def _outcomes(self, order_ids: Sequence[str]) -> list[Decision | Exception | None]:
        """A message may name more orders than one transaction should decide."""
        parts = [order_ids[start : start + self._batch_max] for start in range(0, len(order_ids), self._batch_max)]
        futures = [self._group.submit(part) for part in parts]
        return [outcome for future in futures for outcome in future.result()]

    def _commit(self, order_ids: Sequence[str]) -> list[Decision | None]:
        """None for an order that was not pending: another delivery has decided it."""
        with self._product_cache.changing() as close:
            decided = decide_pending(self._database, list(dict.fromkeys(order_ids)), at=now(), about_to_sell=close)
        decisions = decided.decisions
        self._finished_orders.publish([decision.order_id for decision in decisions])
        report_low_stock(decided.ran_low)
        if decisions:
            confirmed = sum(isinstance(decision, Confirmed) for decision in decisions)
            log.info("orders decided", batch=len(order_ids), confirmed=confirmed, rejected=len(decisions) - confirmed)
        by_id = {decision.order_id: decision for decision in decisions}
        return [by_id.get(order_id) for order_id in order_ids]

    def _fail(self, order_id: str, error: Exception) -> None:
        reason = Reason(ReasonCode.UNPROCESSABLE)
        text = f"{type(error).__name__}: {error}"
        if fail_order(self._database, order_id, reason, error=text, at=now()):
            log.error("order failed", order_id=order_id, error=text, exc_info=error)
            self._finished_orders.publish([order_id])
