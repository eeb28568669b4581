"""The way to MongoDB: one client a process, made where it is used, and the check that it can keep the promises."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import MongoClient, WriteConcern
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from shared.store.errors import outage_as_unavailable

Document = dict[str, Any]

DATABASE_NAME = "order_processor"

DURABLE = WriteConcern(w="majority", j=True)
"""On disk on a majority: what a 202 promises."""

SETTLED = ReadConcern("majority")
"""What a crash can't take back. A plain read also sees what is written and not on disk yet: who was told of a
confirmed order could find it pending again when MongoDB was killed in that moment.
https://www.mongodb.com/docs/manual/reference/read-concern-majority/
"""

SERVER_SELECTION_MILLISECONDS = 1_500

RECONNECT_MILLISECONDS = 2_000


class MongoUnsuitable(Exception):
    """MongoDB answers, or does not answer, in a way that start-up must refuse; the text says how to mend it."""


def connect(
    mongo_url: str, *, timeout_milliseconds: int, listeners: Sequence[CommandListener] = ()
) -> Database[Document]:
    """The database named in the URL (`order_processor` when it names none).

    `timeout_milliseconds` bounds every operation with all its retries, so that no caller waits longer.
    `listeners` are told of every command that goes to MongoDB.
    https://pymongo.readthedocs.io/en/stable/examples/timeouts.html
    Raises `MongoUnsuitable` when the URL is not one.
    """
    try:
        client: MongoClient[Document] = MongoClient(
            mongo_url,
            tz_aware=True,
            timeoutMS=timeout_milliseconds,
            serverSelectionTimeoutMS=min(SERVER_SELECTION_MILLISECONDS, timeout_milliseconds),
            # After an outage: no attempt hangs on a host that is gone, and one that is back is noticed soon.
            connectTimeoutMS=RECONNECT_MILLISECONDS,
            heartbeatFrequencyMS=RECONNECT_MILLISECONDS,
            appname="order-processor",
            event_listeners=list(listeners),
        )
    except (PyMongoError, ValueError) as error:
        # Not from the error and not with its text: that may show a part of the password.
        raise MongoUnsuitable(
            f"MONGO_URL: not a MongoDB URL ({type(error).__name__}). Percent-encode what is special in the user name "
            "and the password, and check the host, the port and the options."
        ) from None
    return client.get_default_database(DATABASE_NAME, read_concern=SETTLED, write_concern=DURABLE)


def check_replica_set(database: Database[Document]) -> None:
    """Raises `MongoUnsuitable` unless MongoDB is there and can run transactions."""
    try:
        hello = database.client.admin.command("hello")
    except PyMongoError as error:
        raise MongoUnsuitable(
            f"MONGO_URL: no MongoDB primary can be reached there ({type(error).__name__}). Start MongoDB, or correct "
            "the URL: its host, its credentials, and replicaSet=, which must be the name of a set that was initiated."
        ) from error
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise MongoUnsuitable(
            "MONGO_URL: this MongoDB runs standalone, and orders are decided in transactions, which need a "
            "replica set. Start mongod with --replSet rs0 and run rs.initiate() once; a single node is enough."
        )


def store_now(database: Database[Document]) -> datetime | None:
    """The time by MongoDB's clock, the same for all processes; None unless a primary answers that takes writes.

    Raises `Unavailable`.
    """
    with outage_as_unavailable():
        # By itself a command is decoded without the client's options, and times have no zone.
        hello = database.client.admin.command("hello", codec_options=database.codec_options)
    return hello["localTime"] if hello.get("isWritablePrimary") else None
