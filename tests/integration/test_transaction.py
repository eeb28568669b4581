"""Transactions that are run again are counted, and no others."""

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
