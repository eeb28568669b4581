"""Products in MongoDB, read one by one and created together with the ledger entry of their first stock."""

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from shared.domain.errors import ProductNotFound, SkuTaken
from shared.domain.product import Product
from shared.store.connection import Document
from shared.store.documents import movement_document, product_document, product_from
from shared.store.errors import outage_as_unavailable
from shared.store.transaction import run_transaction


def insert_product(database: Database[Document], product: Product) -> None:
    """Raises `SkuTaken` (an archived product keeps its SKU), `Unavailable`."""

    def insert(session: ClientSession) -> None:
        database.products.insert_one(product_document(product), session=session)
        if product.stock:
            database.stock_movements.insert_one(_initial_movement(product), session=session)

    try:
        run_transaction(database, insert)
    except DuplicateKeyError as error:
        raise SkuTaken(product.sku) from error


def find_product(database: Database[Document], sku: str, *, within_seconds: float | None = None) -> Product:
    """Raises `ProductNotFound` (also for an archived one), `Unavailable`; by default after the client's own limit."""
    with outage_as_unavailable(), pymongo.timeout(within_seconds):
        document = database.products.find_one({"_id": sku, "archived_at": None})
    if document is None:
        raise ProductNotFound(sku)
    return product_from(document)


def _initial_movement(product: Product) -> Document:
    return movement_document(
        reference="product", sku=product.sku, kind="initial", delta=product.stock, at=product.created_at
    )
