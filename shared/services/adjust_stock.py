"""Adjusting the stock of a product by hand: a delivery, a loss, a count; with who, why and when in the ledger."""

from dataclasses import dataclass

import uuid_utils
from pymongo.database import Database

from shared.cache import LeaseCache
from shared.clock import now
from shared.domain.idempotency import check_same_request, idempotency_of
from shared.domain.movement import Movement, MovementKind
from shared.services.product_changes import report_changes
from shared.store.connection import Document
from shared.store.movements import FirstMovement, write_adjustment


@dataclass(frozen=True, slots=True)
class Adjusted:
    """`replayed`: the movement is the one that the same request made before, with the same idempotency key."""

    movement: Movement
    replayed: bool


def adjust_stock(
    database: Database[Document],
    product_cache: LeaseCache,
    sku: str,
    *,
    delta: int,
    reason: str,
    by: str,
    idempotency_key: str | None,
) -> Adjusted:
    """Raises `ProductNotFound`, `StockOutOfRange`, `IdempotencyKeyReuse`, `Unavailable`."""
    movement = Movement(str(uuid_utils.uuid7()), sku, MovementKind.ADJUSTMENT, delta, now(), by, reason)
    idempotency = idempotency_of(idempotency_key, {"sku": sku, "delta": delta, "reason": reason})
    with product_cache.changing() as warn:
        outcome = write_adjustment(database, movement, idempotency, warn)
    if isinstance(outcome, FirstMovement):
        check_same_request(idempotency, outcome.fingerprint)
        return Adjusted(outcome.movement, replayed=True)
    report_changes([outcome])
    return Adjusted(movement, replayed=False)
