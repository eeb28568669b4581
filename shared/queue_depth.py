"""How many messages wait in each queue, asked of the broker by passive declarations: it makes no queue."""

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import RedisError

from shared.domain.errors import Unavailable
from shared.queue import MAINTENANCE_QUEUE, ORDERS_QUEUE

QUEUES = (ORDERS_QUEUE, MAINTENANCE_QUEUE)


def queue_depths(celery: Celery, queues: Sequence[str] = QUEUES) -> dict[str, int]:
    """By the name of the queue, without the messages that workers hold. Raises `Unavailable`."""
    try:
        with celery.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
            return {name: _depth(connection, name) for name in queues}
    except (OperationalError, OSError, RedisError) as error:
        raise Unavailable("the broker") from error


def queue_depth(celery: Celery, queue: str) -> int:
    """Raises `Unavailable`."""
    return queue_depths(celery, [queue])[queue]


def _depth(connection: Any, name: str) -> int:
    """Zero when there is no such queue: on Redis an empty one is none, and a refusal closes an AMQP channel."""
    with connection.channel() as channel:
        try:
            return int(channel.queue_declare(name, passive=True).message_count)
        except connection.channel_errors:
            return 0
