"""Running a transaction: repeated whole while its conflicts pass, and never for longer than the client's own limit."""

from collections.abc import Callable
from typing import TypeVar

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from shared.metrics import TRANSACTION_RETRIES, TRANSACTIONS
from shared.store.connection import Document
from shared.store.errors import outage_as_unavailable

T = TypeVar("T")

RUNS_MAX = 5
"""Then the driver's waits begin anew at 5 ms. They grow up to half a second, and who waits so long for a product that
another worker sells without a pause does not get it before the rush is over."""


class GuardFailed(Exception):
    """A guarded write matched fewer documents than it must: the snapshot was not what it seemed. Nothing is written."""


def run_transaction(database: Database[Document], transact: Callable[[ClientSession], T]) -> T:
    """On one snapshot, durable when it returns. Raises `Unavailable`, and whatever `transact` raises.

    `timeoutMS` alone bounds each operation, and `with_transaction` would repeat those for two minutes.
    """
    TRANSACTIONS.inc()
    limit = pymongo.timeout(database.client.options.timeout)
    with outage_as_unavailable(), limit, database.client.start_session() as session:
        while True:
            try:
                return session.with_transaction(
                    _few_times(transact), read_concern=ReadConcern("snapshot"), write_concern=database.write_concern
                )
            except RunAgain:
                TRANSACTION_RETRIES.inc()


class RunAgain(Exception):
    """Raised within a transaction: nothing of it is written, and it runs again, as if for the first time."""


def _few_times(transact: Callable[[ClientSession], T]) -> Callable[[ClientSession], T]:
    runs = 0

    def counted(session: ClientSession) -> T:
        nonlocal runs
        runs += 1
        if runs > RUNS_MAX:
            raise RunAgain
        TRANSACTION_RETRIES.inc(runs > 1)
        return transact(session)

    return counted


def check_all(what: str, matched: int, expected: int) -> None:
    """Ends the transaction with `GuardFailed` unless every guarded write matched."""
    if matched != expected:
        raise GuardFailed(f"{what}: {matched} of {expected} guarded writes matched")
