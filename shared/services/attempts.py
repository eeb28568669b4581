"""What becomes of orders that are tried in vain: they are tried a few times more, each of them alone, and then fail."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from os import getpid
from uuid import uuid4

import structlog
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import OrderUnreadable, Unavailable
from shared.domain.order import Reason, ReasonCode
from shared.metrics import ATTEMPTS_FAILED, ORDERS_DECIDED
from shared.notices import FinishedOrders
from shared.store.attempts import Suspect, count_attempt, fail_order, find_suspects, leave_name, take_name_back
from shared.store.connection import Document

WORKER_ENDED = "The worker ended while it was trying this order."

log = structlog.get_logger(__name__)


class Attempts:
    """Those of one worker process. Every method raises `Unavailable`."""

    def __init__(self, database: Database[Document], finished_orders: FinishedOrders, *, attempts_max: int) -> None:
        self._database = database
        self._finished_orders = finished_orders
        self._attempts_max = attempts_max
        # A process that takes the place of a dead one, with its host and its pid, is another worker.
        self._worker = f"{socket.gethostname()}:{getpid()}:{uuid4().hex[:8]}"

    def suspects_among(self, order_ids: Sequence[str]) -> list[Suspect]:
        return find_suspects(self._database, order_ids, worker=self._worker) if order_ids else []

    def may_be_tried(self, suspect: Suspect) -> bool:
        """False when its attempts are used up, or another worker looks after it."""
        attempts: int | None = suspect.attempts
        if suspect.tried_by:
            attempts = self._count(suspect.order_id, WORKER_ENDED, worker=suspect.tried_by, tried_by=suspect.tried_by)
        if attempts is None:
            return False
        if attempts >= self._attempts_max:
            self._fail(suspect.order_id, ReasonCode.ATTEMPTS_EXHAUSTED)
            return False
        return True

    @contextmanager
    def with_name_on(self, order_ids: Sequence[str]) -> Iterator[None]:
        """Who finds the name of this worker on a pending order, later, knows that it did not come to an end with it."""
        if not order_ids:
            yield
            return
        leave_name(self._database, order_ids, worker=self._worker)
        try:
            yield
        except Unavailable:
            # Not for anything that the orders did.
            with suppress(Unavailable):
                take_name_back(self._database, order_ids, worker=self._worker)
            raise

    def count(self, order_id: str, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        attempts = self._count(order_id, text, worker=self._worker, exc_info=error)
        if attempts is None:
            return
        if isinstance(error, OrderUnreadable):
            self._fail(order_id, ReasonCode.UNPROCESSABLE)
        elif attempts >= self._attempts_max:
            self._fail(order_id, ReasonCode.ATTEMPTS_EXHAUSTED)

    def _count(
        self,
        order_id: str,
        error: str,
        *,
        worker: str,
        tried_by: str | None = None,
        exc_info: Exception | None = None,
    ) -> int | None:
        """The attempts with this one; None when the order is not pending any more, or another worker has counted it."""
        try:
            attempts = count_attempt(self._database, order_id, error=error, worker=worker, at=now(), tried_by=tried_by)
        except OrderUnreadable as unreadable:
            log.error("order not processed", order_id=order_id, error=unreadable.what, exc_info=exc_info)
            self._fail(order_id, ReasonCode.UNPROCESSABLE)
            return None
        if attempts is not None:
            ATTEMPTS_FAILED.inc()
            log.error("order not processed", order_id=order_id, attempts=attempts, error=error, exc_info=exc_info)
        return attempts

    def _fail(self, order_id: str, code: ReasonCode) -> None:
        if fail_order(self._database, order_id, Reason(code), at=now()):
            log.error("order failed", order_id=order_id, reason=code.value)
            ORDERS_DECIDED["failed"].inc()
            self._finished_orders.publish([order_id])
