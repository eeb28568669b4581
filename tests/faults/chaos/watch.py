"""The watch: looks into MongoDB itself, for orders that have become final and for stock below zero."""

import threading
import time

from pymongo.database import Database
from pymongo.errors import PyMongoError

from shared.store.connection import Document
from tests.faults.chaos.book import Book

LOOK_SECONDS = 0.25
IDS_MAX = 5_000


class Watch:
    def __init__(self, database: Database[Document], book: Book) -> None:
        self._database = database
        self._book = book
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_until_all_final(self, seconds: float) -> None:
        """Or until the seconds are over; what is open then is in the book."""
        deadline = time.monotonic() + seconds
        while self._book.open and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self._stopping.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._look()
            except PyMongoError:
                continue  # it is one of the parts that die

    def _look(self) -> None:
        open_ids = list(self._book.open)[:IDS_MAX]
        final = {"_id": {"$in": open_ids}, "status": {"$ne": "pending"}}
        for document in self._database.orders.find(final, {"_id": 1}):
            self._book.see_final(document["_id"])
        for document in self._database.products.find({"stock": {"$lt": 0}}):
            self._book.wrong.append(f"stock of {document['_id']} is {document['stock']}")
