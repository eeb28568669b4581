"""Imports beside sales and beside each other: the ledger stays true, nothing is oversold, and every import ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from pymongo.database import Database
from redis import Redis

from shared.cache import LeaseCache, make_product_cache
from shared.domain.errors import Unavailable
from shared.domain.money import Money
from shared.domain.product_import import ProductRow
from shared.services import import_products as service
from shared.services.import_products import BatchOutcome, import_products
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import assert_ledger_true, decide_now, put_orders, put_products, stock_of

IMPORTS = 15
SKUS = ["HOT", "WARM", *(f"SKU-{n}" for n in range(48))]


@pytest.fixture
def product_cache(redis: Redis) -> LeaseCache:
    return make_product_cache(redis, settings())


def rows(stock: int, name: str = "A mug") -> list[ProductRow]:
    values = {"name": name, "price": Money(12_500, "IDR"), "stock": stock}
    return [ProductRow(line, sku, values) for line, sku in enumerate(SKUS, start=1)]


def test_stock_is_set_by_imports_while_it_is_sold(database: Database[Document], product_cache: LeaseCache) -> None:
    """Stock is set to 2 to 6, and each batch of sales asks for 8: some are confirmed and some rejected, always."""
    put_products(database, *(a_product(sku, stock=2) for sku in SKUS))
    batches_sold: list[None] = []
    enough = threading.Event()

    def sell() -> None:
        while not enough.is_set():
            order_ids = put_orders(database, *(an_order(a_line(sku, 2)) for sku in ("HOT", "WARM") * 4))
            decide_now(database, order_ids)
            batches_sold.append(None)

    with ThreadPoolExecutor(2) as pool:
        sellers = [pool.submit(sell) for _ in range(2)]
        imports = 0
        try:
            while imports < IMPORTS or len(batches_sold) < IMPORTS:
                stock = 2 + imports % 5
                assert whole(database, product_cache, rows(stock)).created == 0
                imports += 1
        finally:
            enough.set()
        for seller in sellers:
            seller.result(30)

    assert database.orders.count_documents({"status": "confirmed"}) > 0
    assert database.orders.count_documents({"status": "rejected"}) > 0
    assert stock_of(database, "SKU-0") == stock
    assert_ledger_true(database)


def test_a_sale_between_reading_and_writing_is_not_undone(
    database: Database[Document], product_cache: LeaseCache, monkeypatch
) -> None:
    """Staged: the row says 10; the sale of 4 of 5 comes in after the import has read 5. 10 it is, by a true ledger."""
    put_products(database, a_product("HOT", stock=5))
    [order_id] = put_orders(database, an_order(a_line("HOT", 4)))
    applied, times = service.applied, count()

    def applied_after_a_sale(*args, **kwargs):
        if next(times) == 0:
            decide_now(database, [order_id])
        return applied(*args, **kwargs)

    monkeypatch.setattr(service, "applied", applied_after_a_sale)
    outcome = whole(database, product_cache, rows(stock=10)[:1])

    assert (outcome.updated, next(times)) == (1, 2)
    movements = database.stock_movements.find({"sku": "HOT"}, sort=[("at", 1), ("delta", 1)])
    assert sorted(movement["delta"] for movement in movements) == [-4, 5, 9]
    assert stock_of(database, "HOT") == 10
    assert_ledger_true(database)


def test_the_same_new_products_imported_at_once_are_made_once(
    database: Database[Document], product_cache: LeaseCache
) -> None:
    start = threading.Barrier(4)

    def import_them(_: int) -> BatchOutcome:
        start.wait(30)
        return whole(database, product_cache, rows(stock=3))

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(import_them, range(4)))

    assert sum(outcome.created for outcome in outcomes) == len(SKUS)
    assert sum(outcome.unchanged for outcome in outcomes) == 3 * len(SKUS)
    assert database.stock_movements.count_documents({}) == len(SKUS)
    assert_ledger_true(database)


def whole(database: Database[Document], product_cache: LeaseCache, wanted: list[ProductRow]) -> BatchOutcome:
    """What became of rows that make one batch; sent again, as an answer of 503 says, until they are in."""
    while True:
        try:
            [outcome] = import_products(database, product_cache, wanted, by="clerk")
        except Unavailable:
            continue
        return outcome
