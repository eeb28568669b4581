"""The broker's Redis as kombu's transport, with one error said in words that Celery understands.

Messages that a worker holds when the connection is lost are acknowledged or given back later, over a channel whose
connection is closed by then. kombu 5.7 asks that connection for its address, and the AttributeError ends the worker.
As a lost connection, which it is, the error is logged: those messages come again and find their orders decided.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as ConnectionLost


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionLost("the connection of this channel was closed")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[misc] # missing in its stubs


class Transport(redis.Transport):
    Channel = Channel


def use_transport() -> None:
    """For every broker URL of this process; https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.transport.html"""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
