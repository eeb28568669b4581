"""The ledger of one product: adjustments written to it, and its movements read, newest first."""

from dataclasses import dataclass

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from shared.domain.errors import ProductNotFound
from shared.domain.idempotency import Idempotency
from shared.domain.movement import Movement
from shared.domain.product import Change, moved
from shared.domain.warning import Warn
from shared.store.connection import Document
from shared.store.documents import idempotency_value, movement_document, movement_from
from shared.store.errors import outage_as_unavailable
from shared.store.pages import Order, Page, Position, read_page
from shared.store.products import read_products, write_changes
from shared.store.transaction import run_transaction

NEWEST_FIRST = Order("at", descending=True, index="by_sku_and_time")


@dataclass(frozen=True, slots=True)
class FirstMovement:
    """The movement that had the idempotency key first, with the fingerprint of its request."""

    movement: Movement
    fingerprint: str


def write_adjustment(
    database: Database[Document], movement: Movement, idempotency: Idempotency | None, warn: Warn
) -> Change | FirstMovement:
    """Move the stock and write its movement, or find the movement that had the key first.

    Raises `ProductNotFound`, `StockOutOfRange`, `Unavailable`; then nothing has changed.
    """

    def adjust(session: ClientSession) -> Change:
        # First: the unique index on the caller's key ends the transaction here when the key is known.
        document = {**movement_document(movement), **idempotency_value(idempotency)}
        database.stock_movements.insert_one(document, session=session)
        product = read_products(database, [movement.sku], session).get(movement.sku)
        if product is None or product.archived_at:
            raise ProductNotFound(movement.sku)
        change = Change(product, moved(product, movement.delta, at=movement.at))
        write_changes(database, [change], session, warn)
        return change

    try:
        return run_transaction(database, adjust)
    except DuplicateKeyError:
        if idempotency is None:
            raise
        return _first_movement(database, movement.by, idempotency.key)


def list_movements(database: Database[Document], sku: str, *, after: Position | None, limit: int) -> Page:
    """Raises `Unavailable`."""
    return read_page(database.stock_movements, {"sku": sku}, NEWEST_FIRST, after=after, limit=limit)


def _first_movement(database: Database[Document], by: str | None, key: str) -> FirstMovement:
    with outage_as_unavailable():
        document = database.stock_movements.find_one({"by": by, "idempotency.key": key})
    assert document is not None  # noqa: S101 - movements are never deleted
    return FirstMovement(movement_from(document), document["idempotency"]["fingerprint"])
