"""The counter-proof: with the guard and the transaction switched off, here in the test, the same rush oversells."""

import threading
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pymongo.database import Database

from shared.clock import now
from shared.domain.allocation import decide
from shared.services.verify_stock import verify_stock
from shared.store import decisions
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, decide_now, put_orders, put_products, stock_of

BUYERS = 8


def test_eight_workers_that_decide_at_once_oversell_without_transaction_and_guard(
    database: Database[Document],
) -> None:
    order_ids = last_unit_and_its_buyers(database)
    all_have_read = Barrier(BUYERS)

    with ThreadPoolExecutor(BUYERS) as pool:
        list(pool.map(lambda order_id: decide_unguarded(database, order_id, all_have_read), order_ids))

    assert stock_of(database, "LAST") == 1 - BUYERS
    assert database.orders.count_documents({"status": "confirmed"}) == BUYERS
    assert "negative_stock" in {drift.kind for drift in verify_stock(database).drifts}


def test_the_same_eight_with_them_sell_one(database: Database[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    order_ids = last_unit_and_its_buyers(database)
    all_have_read = Barrier(BUYERS)
    read_offers = decisions._read_offers

    this_worker = threading.local()

    def read_and_wait_for_the_others(*args: Any) -> Any:
        offers = read_offers(*args)
        if not hasattr(this_worker, "has_read"):  # a transaction that is tried again waits for nobody
            this_worker.has_read = True
            all_have_read.wait(30)
        return offers

    monkeypatch.setattr(decisions, "_read_offers", read_and_wait_for_the_others)
    with ThreadPoolExecutor(BUYERS) as pool:
        list(pool.map(lambda order_id: decide_now(database, [order_id]), order_ids))

    assert stock_of(database, "LAST") == 0
    assert database.orders.count_documents({"status": "confirmed"}) == 1
    assert database.orders.count_documents({"status": "rejected"}) == BUYERS - 1
    assert_ledger_true(database)


def last_unit_and_its_buyers(database: Database[Document]) -> list[str]:
    put_products(database, a_product("LAST", stock=1))
    return put_orders(database, *(an_order(a_line("LAST", 1)) for _ in range(BUYERS)))


def decide_unguarded(database: Database[Document], order_id: str, all_have_read: Barrier) -> None:
    """The steps of the deciding transaction, on their own and without their conditions."""
    with database.client.start_session() as session:
        orders = decisions.read_pending(database, [order_id], session)
        decided = decide(orders, decisions._read_offers(database, orders, session))
        all_have_read.wait(30)
        database.products.update_one({"_id": "LAST"}, {"$inc": {"stock": -1}}, session=session)
        decisions._write_ledger(database, decided, now(), session)
        decisions._write_statuses(database, decided, now(), session)
