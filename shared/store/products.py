"""Products in MongoDB: read one by one, and changed in transactions together with the ledger.

Sales are written in `store/decisions.py`. Every other change reads the product, and writes it only if it has the
version that was read, in one transaction: a sale beside it makes one of the two start again, on what is true then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import pymongo
from pymongo import ASCENDING, InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from shared.domain.errors import ProductNotFound, SkuTaken
from shared.domain.product import Change, Product
from shared.domain.warning import Warn
from shared.slices import slices
from shared.store.connection import Document
from shared.store.documents import listing_document, movement_document, product_document, product_from
from shared.store.errors import DUPLICATE_KEY, outage_as_unavailable
from shared.store.transaction import check_all, run_transaction

LISTED_TOGETHER = 500


def find_product(database: Database[Document], sku: str, *, within_seconds: float | None = None) -> Product:
    """Raises `ProductNotFound` (also for an archived one), `Unavailable`; by default after the client's own limit."""
    with outage_as_unavailable(), pymongo.timeout(within_seconds):
        document = database.products.find_one({"_id": sku, "archived_at": None})
    if document is None:
        raise ProductNotFound(sku)
    return product_from(document)


def product_exists(database: Database[Document], sku: str) -> bool:
    """Archived ones do."""
    with outage_as_unavailable():
        return database.products.find_one({"_id": sku}, {"_id": 1}) is not None


def change_products(
    database: Database[Document],
    skus: Sequence[str],
    decide: Callable[[Mapping[str, Product]], Sequence[Change]],
    *,
    warn: Warn,
) -> Sequence[Change]:
    """Change some products, all or none, to what `decide` makes of them; it may be asked more than once.

    It gets those that there are by SKU, archived ones too. Raises `SkuTaken` when one that it makes was made meanwhile,
    `Unavailable`, and what `decide` raises; then nothing has changed.
    """

    def change(session: ClientSession) -> Sequence[Change]:
        changes = decide(read_products(database, skus, session))
        write_changes(database, changes, session, warn)
        return changes

    return run_transaction(database, change)


def read_products(database: Database[Document], skus: Sequence[str], session: ClientSession) -> dict[str, Product]:
    found = database.products.find({"_id": {"$in": list(skus)}}, session=session, batch_size=len(skus) + 1)
    return {document["_id"]: product_from(document) for document in found}


def write_changes(database: Database[Document], changes: Iterable[Change], session: ClientSession, warn: Warn) -> None:
    """Those that change something, in ascending order of SKU, as in the deciding transaction: no two cross.

    The last that a transaction does.
    """
    real = sorted((change for change in changes if change.after != change.before), key=lambda change: change.after.sku)
    if not real:
        return
    try:
        result = database.products.bulk_write([_write(change) for change in real], session=session)
    except BulkWriteError as error:
        [first] = error.details["writeErrors"]
        if first["code"] != DUPLICATE_KEY:
            raise
        raise SkuTaken(real[first["index"]].after.sku) from error
    check_all("products", result.matched_count + result.inserted_count, len(real))
    close = warn([change.before.sku for change in real if change.before])
    write_listings(database, [change.after for change in real], session)
    movements = [movement_document(change.movement) for change in real if change.movement]
    if movements:
        database.stock_movements.insert_many(movements, session=session)
    close()


def write_listings(database: Database[Document], products: Iterable[Product], session: ClientSession) -> None:
    """In the transaction that writes the products, or reads them: who changes one meanwhile meets a conflict."""
    listings = [ReplaceOne({"_id": product.sku}, listing_document(product), upsert=True) for product in products]
    if listings:
        database.product_listings.bulk_write(listings, session=session)


def list_all_products(database: Database[Document]) -> int:
    """Anew, and beside whatever changes them; how many there are. Raises `Unavailable`."""
    with outage_as_unavailable(), pymongo.timeout(None):
        skus = [document["_id"] for document in database.products.find({}, {"_id": 1}, sort=[("_id", ASCENDING)])]
    for batch in slices(skus, LISTED_TOGETHER):
        run_transaction(database, partial(_list_products, database, batch))
    return len(skus)


def _list_products(database: Database[Document], skus: Sequence[str], session: ClientSession) -> None:
    write_listings(database, read_products(database, skus, session).values(), session)


def _write(change: Change) -> InsertOne[Document] | ReplaceOne[Document]:
    document = product_document(change.after)
    if change.before is None:
        return InsertOne(document)
    return ReplaceOne({"_id": change.before.sku, "version": change.before.version}, document)
