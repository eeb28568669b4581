"""The list of products: every filter and every order of it is served by an index (`store/indexes.py`).

What is listed, and where, is in a collection of its own, which a sale changes only when a product sells out or runs
low. The order of the stock alone is that of the products themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.domain.catalogue import ProductQuery, ProductSort
from shared.domain.product import Product
from shared.domain.search import words_of
from shared.store.connection import Document
from shared.store.documents import product_from, sku_word
from shared.store.errors import outage_as_unavailable
from shared.store.pages import Order, Page, Position, read_page

SORTS = {
    ProductSort.SKU: ("_id", "listed_by_sku"),
    ProductSort.NAME: ("listing.name", "listed_by_name"),
    ProductSort.PRICE: ("price.amount", "listed_by_price"),
    ProductSort.CREATED_AT: ("created_at", "listed_by_creation"),
    ProductSort.STOCK: ("stock", "listed_by_stock"),
}

EITHER = {"$in": [False, True]}
"""Says nothing, but lets an index that begins with the flag serve the order of what follows it."""

AFTER_EVERY_SKU = "\x7f"


def list_products(database: Database[Document], query: ProductQuery, *, after: Position | None, limit: int) -> Page:
    """Raises `Unavailable`."""
    by, index = SORTS[query.sort]
    # A search is left to the planner: rare words are found by their index, frequent ones in that of the order.
    order = Order(by, query.descending, index if query.text is None else None)
    condition = _condition(query)
    if query.sort is ProductSort.STOCK:
        return read_page(database.products, condition, order, after=after, limit=limit)
    with outage_as_unavailable(), database.client.start_session(snapshot=True) as session:
        page = read_page(
            database.product_listings, condition, order, after=after, limit=limit, fields=[by], session=session
        )
        return replace(page, rows=_products(database, [row["_id"] for row in page.rows], session))


def _products(database: Database[Document], skus: Sequence[str], session: ClientSession) -> list[Document]:
    """In this order, as of the moment at which they were listed so; without those that somebody has removed by hand."""
    found = database.products.find({"_id": {"$in": list(skus)}}, session=session, batch_size=len(skus) + 1)
    by_sku = {document["_id"]: document for document in found}
    return [by_sku[sku] for sku in skus if sku in by_sku]


def _condition(query: ProductQuery) -> Document:
    condition: Document = {
        "listing.archived": False,
        "listing.in_stock": EITHER if query.in_stock is None else query.in_stock,
        "listing.low_stock": EITHER if query.low_stock is None else query.low_stock,
    }
    prices = {"$gte": query.min_price, "$lte": query.max_price}
    if given := {operator: price for operator, price in prices.items() if price is not None}:
        condition["price.amount"] = given
    if query.text is not None:
        condition["$or"] = _either_sku_or_name(query.text)
    return condition


def _either_sku_or_name(text: str) -> list[Document]:
    prefix = sku_word(text.strip())
    by_sku: Document = {"listing.words": {"$elemMatch": {"$gte": prefix, "$lt": prefix + AFTER_EVERY_SKU}}}
    words = words_of(text)
    return [by_sku, {"listing.words": {"$all": words}}] if words else [by_sku]


def each_product(database: Database[Document], *, batch: int) -> Iterator[Product]:
    """All that are not archived, in order of SKU, read in batches: no cursor stays open while a slow reader reads."""
    condition: Document = {"archived_at": None}
    while True:
        with outage_as_unavailable():
            found = list(
                database.products.find(condition, sort=[("_id", ASCENDING)], limit=batch, batch_size=batch + 1)
            )
        yield from map(product_from, found)
        if len(found) < batch:
            return
        condition["_id"] = {"$gt": found[-1]["_id"]}
