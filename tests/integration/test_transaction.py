"""Transactions that meet conflicts are run again, soon, and that is counted."""

import random
import threading
import time

import pytest
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.metrics import TRANSACTION_RETRIES, TRANSACTIONS
from shared.store.connection import Document
from shared.store.transaction import run_transaction


def test_a_transaction_that_meets_a_conflict_is_counted_as_run_again(database: Database[Document]) -> None:
    database.products.insert_one({"_id": "MUG", "runs": 0})
    begun, retries = TRANSACTIONS._value.get(), TRANSACTION_RETRIES._value.get()
    runs = []

    def transact(session: ClientSession) -> None:
        runs.append(session)
        database.products.find_one({"_id": "MUG"}, session=session)  # from here on it has its snapshot
        if len(runs) == 1:
            database.products.update_one({"_id": "MUG"}, {"$inc": {"runs": 1}})
        database.products.update_one({"_id": "MUG"}, {"$inc": {"runs": 1}}, session=session)

    run_transaction(database, transact)
    run_transaction(database, transact)

    assert len(runs) == 3
    assert database.products.find_one({"_id": "MUG"}) == {"_id": "MUG", "runs": 3}
    assert TRANSACTIONS._value.get() - begun == 2
    assert TRANSACTION_RETRIES._value.get() - retries == 1


def test_who_loses_conflicts_does_not_wait_ever_longer(
    database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or another worker, which sells the product without a pause, gets it every time."""
    waits: list[float] = []
    here, sleep = threading.get_ident(), time.sleep

    def wait(seconds: float) -> None:
        if threading.get_ident() == here:
            waits.append(seconds)
            if len(waits) == 20:
                holder.abort_transaction()
        sleep(seconds)

    runs: list[ClientSession] = []

    def sell(session: ClientSession) -> None:
        runs.append(session)
        database.products.update_one({"_id": "MUG"}, {"$inc": {"stock": -1}}, session=session)

    retries = TRANSACTION_RETRIES._value.get()
    database.products.insert_one({"_id": "MUG", "stock": 1})
    with database.client.start_session() as holder:
        holder.start_transaction()
        sell(holder)
        monkeypatch.setattr(random, "random", lambda: 1.0)  # the driver's jitter at its worst
        monkeypatch.setattr(time, "sleep", wait)
        run_transaction(database, sell)

    assert len(waits) >= 20
    assert max(waits) < 0.05
    assert database.products.find_one({"_id": "MUG"}) == {"_id": "MUG", "stock": 0}
    assert TRANSACTION_RETRIES._value.get() - retries == len(runs) - 2
