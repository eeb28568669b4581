"""The judge of the random faults is not blind: each broken promise is staged, and named."""

import pytest
from pymongo.database import Database

from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order
from tests.faults.chaos.book import Book, Purchase
from tests.faults.chaos.verdict import Verdict, judge
from tests.mongo import put_orders, put_products

STOCK = {"MUG": 5}


@pytest.fixture
def book(database: Database[Document]) -> Book:
    """Of one purchase that was accepted and confirmed."""
    put_products(database, a_product("MUG", stock=5))
    [order_id] = put_orders(database, an_order(a_line("MUG", 2)))
    key = {"key": "key-1", "fingerprint": ""}
    history = [{"status": "pending"}, {"status": "confirmed"}]
    database.orders.update_one({}, {"$set": {"status": "confirmed", "idempotency": key, "history": history}})
    database.products.update_one({}, {"$inc": {"stock": -2}})
    movement = {"_id": f"{order_id}:MUG:sale", "reference": order_id, "sku": "MUG", "kind": "sale", "delta": -2}
    database.stock_movements.insert_one(movement)
    book = Book()
    book.tell(book.add(Purchase("alice", "key-1", {"MUG": 2})), order_id)
    return book


def broken(verdict: Verdict) -> set[str]:
    return set(verdict.violations())


def test_all_is_well(database: Database[Document], book: Book) -> None:
    verdict = judge(database, book, STOCK)
    assert verdict.explanation() == ""
    assert (verdict.statuses, verdict.untold, verdict.unsent) == ({"confirmed": 1}, 0, 0)


def test_an_order_that_is_gone_is_lost(database: Database[Document], book: Book) -> None:
    book.tell(book.purchases[0], "of-another-time")
    assert {"lost", "doubled"} == broken(judge(database, book, STOCK))


def test_a_second_order_of_one_key_is_a_double(database: Database[Document], book: Book) -> None:
    database.orders.drop_indexes()
    order = database.orders.find_one() or {}
    database.orders.insert_one(order | {"_id": "second", "status": "rejected", "history": [{"status": "rejected"}]})
    assert "doubled" in broken(judge(database, book, STOCK))


@pytest.mark.parametrize("stock", [-1, 2, 4])
def test_stock_that_does_not_add_up_is_oversold(database: Database[Document], book: Book, stock: int) -> None:
    database.products.update_one({}, {"$set": {"stock": stock}})
    assert broken(judge(database, book, STOCK)) == {"oversold"}


def test_stock_that_agrees_with_its_ledger_and_not_with_what_there_was_is_oversold(
    database: Database[Document], book: Book
) -> None:
    assert broken(judge(database, book, {"MUG": 6})) == {"oversold"}


@pytest.mark.parametrize(("status", "kind"), [("pending", "undecided"), ("failed", "failed")])
def test_an_order_that_came_to_no_good_end_is_named(
    database: Database[Document], book: Book, status: str, kind: str
) -> None:
    database.orders.update_one({}, {"$set": {"status": status}})
    assert kind in broken(judge(database, book, STOCK))


def test_an_order_that_nobody_asked_for_is_wrong(database: Database[Document], book: Book) -> None:
    book.purchases[0].key = "another"
    assert broken(judge(database, book, STOCK)) == {"wrong"}


def test_an_order_whose_buyer_gave_up_is_counted(database: Database[Document], book: Book) -> None:
    book.purchases[0].told.clear()
    verdict = judge(database, book, STOCK)
    assert (verdict.explanation(), verdict.untold, verdict.unsent) == ("", 1, 1)


@pytest.mark.parametrize("answer", [200, 409, 404])
def test_a_confirmed_order_that_could_be_or_could_not_be_cancelled_is_wrong(
    database: Database[Document], book: Book, answer: int
) -> None:
    book.purchases[0].cancel_answer = answer
    assert broken(judge(database, book, STOCK)) == {"wrong"}
