"""Makes a lone `mongod` the primary of the one-node replica set rs0: transactions need a replica set."""

import socket
import time
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from local.errors import ServerFailed

REPLICA_SET = "rs0"
DATABASE = "order_processor"
_NOT_YET_INITIALIZED = 94


def initiate_replica_set(port: int, timeout: float = 30, on_wait: Callable[[], None] = lambda: None) -> str:
    """Waits until the mongod on `port` is primary and returns the URL to use it by. Safe to repeat.

    `on_wait` is called between attempts; it may raise to give up early (the process has died, say).
    """
    attempt = _Attempt(port)
    deadline = time.monotonic() + timeout
    while not attempt.is_primary():
        if time.monotonic() > deadline:
            raise ServerFailed(f"mongod on port {port} is not primary after {timeout:g} s: {attempt.last_error}")
        on_wait()
        time.sleep(0.05)
    return mongo_url(port)


def mongo_url(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/{DATABASE}?replicaSet={REPLICA_SET}"


class _Attempt:
    """A look at mongod and a push towards primary; errors while it starts are expected, and kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.member = f"127.0.0.1:{port}"
        self.last_error: Exception | None = None

    def is_primary(self) -> bool:
        try:
            # A look at the socket first: the driver would wait half a second between its own attempts.
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            # Its own client, closed at once: one opened before the set exists goes on saying
            # that sessions are not supported.
            with _direct_client(self.port) as client:
                return self._look_and_push(client)
        except (OSError, PyMongoError) as error:
            self.last_error = error
            return False

    def _look_and_push(self, client: MongoClient[dict[str, Any]]) -> bool:
        hello = client.admin.command("hello")
        if hello.get("isWritablePrimary") and hello.get("me") == self.member:
            return True
        config = _stored_config(client)
        if config is None:
            client.admin.command("replSetInitiate", _config(self.member, version=1))
        elif config["members"][0]["host"] != self.member:
            # The data was made on another port. The set has one member, so no vote is overruled by force.
            client.admin.command("replSetReconfig", _config(self.member, config["version"] + 1), force=True)
        return False


def _direct_client(port: int) -> MongoClient[dict[str, Any]]:
    # Limits on the socket too: a mongod that hangs must not hold up the whole start.
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1_000, socketTimeoutMS=10_000)


def _stored_config(client: MongoClient[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == _NOT_YET_INITIALIZED:
            return None
        raise
    return config


def _config(member: str, version: int) -> dict[str, Any]:
    return {"_id": REPLICA_SET, "version": version, "members": [{"_id": 0, "host": member}]}
