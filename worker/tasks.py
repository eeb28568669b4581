"""The tasks, thin: each hands its message to a service. Expect every one of them twice."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from celery import Task

from shared import tracing
from shared.domain.errors import Unavailable
from shared.queue import ORDERS_QUEUE, PROCESS_ORDERS, REQUEST_IDS, SWEEP_ORDERS, announce_orders
from shared.queue_depth import queue_depth
from shared.services.retry_order import reopen_failed
from shared.services.sweep_orders import sweep_orders
from shared.store.heartbeats import beat_heart
from worker.celery import app, settings
from worker.outcome import outcome_of
from worker.resources import resources

log = structlog.get_logger(__name__)

sweeping = threading.Lock()


@app.task(
    name=PROCESS_ORDERS,
    autoretry_for=(Unavailable,),
    # Seconds: 1, 2, 4, 8, 16, less a random part. What is still pending then is the sweeper's.
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=5,
    bind=True,
)
def process_orders(self: Task[..., str], order_ids: Sequence[Any] | str, again: bool | None = None) -> str:
    """Decide these orders. Only text is an order id: an object could pass for a query operator.

    What it returns is for people, in Flower and in the log: it is stored nowhere.

    `again`: the sweeper has announced them. A message that comes back from a worker which did not acknowledge it is no
    different. Without it the message is somebody's own (`celery call`), who wants failed orders tried once more.
    """
    named = [order_ids] if isinstance(order_ids, str) else order_ids
    texts = [order_id for order_id in named if isinstance(order_id, str) and order_id.isascii()]
    headers = self.request.headers if isinstance(self.request.headers, dict) else {}  # a stranger's may be anything
    redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
    with tracing.current.processing(ORDERS_QUEUE, headers, task_id=self.request.id):
        request_ids = headers.get(REQUEST_IDS, [])
        log.info("orders to decide", task_id=self.request.id, order_ids=texts, request_ids=request_ids)
        if again is None and not redelivered:
            reopen_failed(resources().database, settings, texts, by="celery call")
        return outcome_of(resources().decider.decide(texts, again=bool(again) or redelivered).values())


@app.task(name=SWEEP_ORDERS, throws=(Unavailable,))
def sweep() -> int:
    """Announce again what is due, then show that beat, the broker, this worker and MongoDB are alive.

    Not while the sweep before is still at it: the two would see the same room in the queue, and fill it twice.
    """
    if not sweeping.acquire(blocking=False):
        return 0
    try:
        announced = sweep_orders(
            resources().database,
            partial(announce_orders, app, again=True),
            partial(queue_depth, app, ORDERS_QUEUE),
            settings,
        )
        beat_heart(resources().database)
    except Unavailable as error:
        log.warning("no sweep now", what=error.what, error=repr(error.__cause__ or error))
        raise
    finally:
        sweeping.release()
    return announced
