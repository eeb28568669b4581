"""Importing products: what a row of a file makes of the product that there is, or of none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.domain.movement import Movement, MovementKind
from shared.domain.product import Change, Product, changed, created

REASON = "import"

NOT_GIVEN = {"description": None, "stock": 0, "low_stock_threshold": None}
"""What a new product has where its row says nothing."""


class RowFault(StrEnum):
    UNREADABLE = "unreadable"
    INVALID = "invalid"
    ARCHIVED = "archived"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A valid row. `values` are fields of `Product`: those that the row gives, null ones too."""

    line: int
    sku: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that changes nothing, and why; `errors` by field."""

    line: int
    fault: RowFault
    detail: str
    sku: str | None = None
    errors: Mapping[str, Any] | None = None


def applied(row: ProductRow, product: Product | None, *, by: str, reference: str, at: datetime) -> Change | None:
    """None for an archived product. Where the stock is another one than there is, an adjustment by the difference."""
    if product is None:
        return created(_new(row, at), by=by)
    if product.archived_at:
        return None
    after = changed(product, row.values, at=at)
    delta = after.stock - product.stock
    movement = Movement(reference, row.sku, MovementKind.ADJUSTMENT, delta, at, by, REASON)
    return Change(product, after, movement if delta else None)


def archived(row: ProductRow) -> BadRow:
    detail = "The product is archived: it can't be changed, and keeps its SKU."
    return BadRow(row.line, RowFault.ARCHIVED, detail, row.sku)


def repeated(row: ProductRow) -> BadRow:
    """If both were taken, one after the other, the same file would change the product again each time."""
    return BadRow(row.line, RowFault.REPEATED, "An earlier row of the file has this SKU, and was taken.", row.sku)


def _new(row: ProductRow, at: datetime) -> Product:
    values = {**NOT_GIVEN, **row.values}
    return Product(sku=row.sku, version=1, archived_at=None, created_at=at, updated_at=at, **values)
