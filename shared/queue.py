"""The queue: the one Celery configuration of API, worker, beat, Flower and CLI, the names of the tasks, publishing.

https://docs.celeryq.dev/en/stable/userguide/configuration.html
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import structlog
from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError
from redis import RedisError

from shared import tracing
from shared.domain.errors import Unavailable
from shared.group_commit import GroupCommit
from shared.metrics import ANNOUNCEMENTS
from shared.settings import Settings
from shared.throttle import Throttle

PROCESS_ORDERS = "orders.process"
SWEEP_ORDERS = "orders.sweep"

REQUEST_IDS = "request_ids"
"""The header of a message that names the requests."""

ORDERS_QUEUE = "orders"
MAINTENANCE_QUEUE = "maintenance"

VISIBILITY_TIMEOUT_SECONDS = 300
"""After this long an unacknowledged message is delivered again; well above the longest run of a task."""

SWEEP_EXPIRES_SECONDS = 6 * 3600
"""While no worker runs, sweeps do not pile up for ever; long, because beat's clock and the worker's may differ."""

ANNOUNCEMENT_MAX = 1_000
"""Order ids in one message when announcements had to wait."""

ANNOUNCE_REST_SECONDS = 0.1
"""Between two announcements of one process: each costs a worker as much as ten orders (docs/decisions, 0022)."""

log = structlog.get_logger(__name__)


def make_celery(settings: Settings) -> Celery:
    celery = Celery("order_processor", broker=settings.redis_broker_url, set_as_current=False)
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        enable_utc=True,
        # MongoDB is the truth; Celery keeps no results.
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A message is acknowledged when its orders are decided; a worker that dies leaves it to another.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_pool="threads",
        worker_concurrency=settings.worker_threads,
        worker_hijack_root_logger=False,
        # What Flower shows.
        worker_send_task_events=True,
        task_send_sent_event=True,
        task_queues=[Queue(ORDERS_QUEUE), Queue(MAINTENANCE_QUEUE)],
        task_default_queue=ORDERS_QUEUE,
        task_routes={SWEEP_ORDERS: {"queue": MAINTENANCE_QUEUE}},
        # Periodic work is intervals only, so beat needs to remember nothing.
        beat_scheduler="worker.scheduler:SteadyScheduler",
        beat_max_loop_interval=settings.sweep_every_seconds,
        beat_schedule={
            SWEEP_ORDERS: {
                "task": SWEEP_ORDERS,
                "schedule": settings.sweep_every_seconds,
                "options": {"expires": SWEEP_EXPIRES_SECONDS},
            }
        },
        broker_connection_retry_on_startup=True,
        # For ever, and not a hundred times: a broker that is away all night is no reason to end.
        broker_connection_max_retries=None,
        # What a broker refuses that is out of memory (OOM) or disk (MISCONF) it takes again later: no reason either.
        broker_channel_error_retry=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            # No publish hangs on a broker that is gone.
            "socket_connect_timeout": 1.0,
            "socket_timeout": 2.0,
            "socket_keepalive": True,
            # A worker whose connection went silent notices it in seconds.
            "health_check_interval": 5,
        },
    )
    return celery


def announce_orders(
    celery: Celery, order_ids: Sequence[str], *, again: bool = False, request_ids: Iterable[str] = ()
) -> None:
    """Send one message for all of the orders. Raises `Unavailable` when the broker does not take it.

    `request_ids` are of the requests that placed them: for logs, and in the headers, since no order depends on them.
    """
    headers: dict[str, Any] = {REQUEST_IDS: list(request_ids)}
    try:
        with tracing.current.sending(ORDERS_QUEUE, headers):
            celery.send_task(
                PROCESS_ORDERS,
                args=[list(order_ids)],
                # Always said: a message that does not say it is from a person, and means more (worker/tasks.py).
                kwargs={"again": again},
                headers=headers,
                queue=ORDERS_QUEUE,
                retry=True,
                # Once more, at once: the pooled connection may be from before a restart of the broker.
                retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
            )
    except (OperationalError, OSError, RedisError) as error:
        ANNOUNCEMENTS["failed"].inc()
        raise Unavailable("the broker") from error
    ANNOUNCEMENTS["sent"].inc()


def ping_broker(celery: Celery) -> None:
    """Raises whatever the transport raises when the broker can't be reached."""
    with celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)


class Announcement(NamedTuple):
    order_id: str
    request_id: str | None = None
    """Of the request that placed the order."""


class Announcer:
    """Announces accepted orders from a thread of its own, so that a slow broker never slows accepting.

    It is a convenience, not a promise: what can't be announced is logged and left to the sweeper. A broker that
    hangs delays only other announcements, and those that waited behind a failed one are given up with it.
    """

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._group = GroupCommit[Announcement, None](
            "announcer", self._publish, batch_max=ANNOUNCEMENT_MAX, rest_seconds=ANNOUNCE_REST_SECONDS
        )
        self._log_now = Throttle(seconds=1.0)

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Never raises: the orders are accepted, and while the process ends they are the sweeper's."""
        with suppress(Unavailable):
            self._group.submit(announcements)

    def close(self, timeout_seconds: float) -> None:
        self._group.close(timeout_seconds)

    def _publish(self, announcements: list[Announcement]) -> list[None]:
        order_ids = [announcement.order_id for announcement in announcements]
        # Once each: a bulk's orders have one.
        request_ids = dict.fromkeys(each.request_id for each in announcements if each.request_id)
        try:
            announce_orders(self._celery, order_ids, request_ids=request_ids)
        except Exception as error:
            if self._log_now():
                bug = not isinstance(error, Unavailable)
                log.warning("announcement failed, left to the sweeper", error=repr(error.__cause__), exc_info=bug)
            # Whatever it was: nobody waits for it, and half of the batch would fare no better.
            raise Unavailable("the broker") from error
        return [None] * len(announcements)
