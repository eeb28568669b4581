"""The broker's Redis as kombu's transport: one error in words that Celery understands, and a look at each message.

Messages that a worker holds when the connection is lost are acknowledged or given back later, over a channel whose
connection is closed by then. kombu 5.7 asks that connection for its address, and the AttributeError ends the worker.
As a lost connection, which it is, the error is logged: those messages come again and find their orders decided.

What is no task at all, put on the queue by a stranger, would end the worker, come back, and end the next one. It is
thrown away: orders are in MongoDB, and no message is missed.
"""

from collections.abc import Callable
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis
from kombu.transport.virtual import Message
from redis.exceptions import ConnectionError as ConnectionLost

JSON = {"application/json"}

log = structlog.get_logger(__name__)


class Channel(redis.Channel):
    def basic_consume(
        self,
        queue: str,
        no_ack: bool,
        callback: Callable[[Message], Any] | None,
        consumer_tag: str | None,
        **options: Any,
    ) -> Any:
        def take(message: Message) -> Any:
            if callback is None or no_ack or is_task(message):  # without acknowledgement: Celery's own talk
                return callback and callback(message)
            log.error("a message that is no task was thrown away", queue=queue)
            return message.reject()

        return super().basic_consume(queue, no_ack, take, consumer_tag, **options)

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("the connection of this channel was closed")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[misc] # missing in its stubs


class Transport(redis.Transport):
    Channel = Channel


def is_task(message: Any) -> bool:
    """https://docs.celeryq.dev/en/stable/internals/protocol.html#version-2"""
    headers = message.headers
    if not (isinstance(headers, dict) and isinstance(headers.get("id"), str) and isinstance(headers.get("task"), str)):
        return False
    message.accept = JSON
    try:
        args, kwargs, _ = message.payload
    except Exception:  # noqa: BLE001 - whatever is wrong with it
        return False
    return isinstance(args, list) and isinstance(kwargs, dict)


def use_transport() -> None:
    """For every broker URL of this process; https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.html"""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
