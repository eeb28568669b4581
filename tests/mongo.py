"""What tests do with MongoDB: put products and orders there, look at them, count the commands that reach it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from shared.clock import now
from shared.domain.allocation import Decision
from shared.domain.order import Order
from shared.domain.product import Product, created
from shared.domain.warning import Warn, nobody_is_told
from shared.services.verify_stock import verify_stock
from shared.store.connection import Document
from shared.store.decisions import decide_pending, read_pending
from shared.store.documents import listing_document, product_document, product_from
from shared.store.orders import Submission, insert_orders
from shared.store.products import change_products


def put_products(database: Database[Document], *products: Product) -> None:
    """With their first stock in the ledger."""
    change_products(database, [], lambda _: [created(product, by="clerk") for product in products], warn=nobody_is_told)


def put_orders(database: Database[Document], *orders: Order) -> list[str]:
    """The ids of the orders, which are pending and due at once."""
    insert_orders(database, [Submission(order, None) for order in orders], announce_after_seconds=10)
    order_ids = [order.order_id for order in orders]
    database.orders.update_many({"_id": {"$in": order_ids}}, [{"$set": {"next_announce_at": "$created_at"}}])
    return order_ids


def decide_now(
    database: Database[Document], order_ids: Sequence[str], *, warn: Warn = nobody_is_told
) -> list[Decision]:
    """In one transaction, with nothing around it."""
    return decide_pending(database, read_pending(database, order_ids), at=now(), warn=warn).decisions


def status_of(database: Database[Document], order_id: str) -> str:
    return str(find(database, order_id)["status"])


def find(database: Database[Document], order_id: str) -> Document:
    document = database.orders.find_one({"_id": order_id})
    assert document is not None
    return document


def stock_of(database: Database[Document], sku: str) -> int:
    product = database.products.find_one({"_id": sku})
    assert product is not None
    return int(product["stock"])


def product_reads(database: Database[Document]) -> int:
    """Queries of the products that MongoDB has served, by its own count; writes and this question do not add to it."""
    totals = database.client.admin.command("top")["totals"]
    return int(totals[f"{database.name}.products"]["queries"]["count"])


def everything(database: Database[Document]) -> dict[str, list[Document]]:
    """All documents, to show that nothing changed."""
    return {
        name: list(database[name].find(sort=[("_id", 1)]))
        for name in ("orders", "products", "product_listings", "stock_movements")
    }


def assert_ledger_true(database: Database[Document]) -> None:
    report = verify_stock(database)
    assert report.drifts == []
    assert report.skus > 0, "there was nothing to verify"
    for document in database.products.find():
        product = product_from(document)
        assert document == product_document(product)
        assert database.product_listings.find_one(document["_id"]) == listing_document(product), "the list would lie"


class CommandCounter(CommandListener):
    """Counts the commands that go to MongoDB, by name, while `counting`."""

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()

    @contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        self.commands.clear()
        yield self.commands

    def started(self, event: CommandStartedEvent) -> None:
        self.commands[event.command_name] += 1

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...
