"""Proof of life by work: the sweep writes its time here, which takes beat, the broker, a worker and MongoDB to do."""

from datetime import datetime

from pymongo.database import Database

from shared.store.connection import Document
from shared.store.documents import DATES
from shared.store.errors import outage_as_unavailable

WORKER = "worker"


def beat_heart(database: Database[Document]) -> None:
    """By MongoDB's clock: that of a worker may be ahead, and would show life long after its death."""
    with outage_as_unavailable():
        database.heartbeats.update_one({"_id": WORKER}, {"$currentDate": {"at": True}}, upsert=True)


def last_heartbeat(database: Database[Document]) -> datetime | None:
    with outage_as_unavailable():
        document = database.heartbeats.find_one({"_id": WORKER, "at": DATES})
    return document["at"] if document else None
