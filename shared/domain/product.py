"""What a product is: the thing with a SKU, a price and a stock; and how each of them may change."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain.errors import StockOutOfRange
from shared.domain.money import Money
from shared.domain.movement import Movement, MovementKind

SKU_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

RESERVED_SKUS = frozenset({"import", "export"})
"""Addresses beside those of the products."""

STOCK_MAX = 10**12


@dataclass(frozen=True, slots=True)
class Product:
    """`version` goes up by one with every change, of the stock too."""

    sku: str
    name: str
    description: str | None
    price: Money
    stock: int
    low_stock_threshold: int | None
    version: int
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def low_stock(self) -> bool:
        return is_low(self.stock, self.low_stock_threshold)


def is_low(stock: int, threshold: int | None) -> bool:
    """Low is at the threshold or below it; a product without one never is."""
    return threshold is not None and stock <= threshold


def changed(product: Product, changes: Mapping[str, Any], *, at: datetime) -> Product:
    """With other values of some fields; the product itself when they are the values that it has."""
    if replace(product, **changes) == product:
        return product
    return replace(product, **changes, version=product.version + 1, updated_at=at)


def moved(product: Product, delta: int, *, at: datetime) -> Product:
    """With its stock moved. Raises `StockOutOfRange` when it can't be."""
    if not 0 <= product.stock + delta <= STOCK_MAX:
        raise StockOutOfRange(product.sku, stock=product.stock, delta=delta)
    return changed(product, {"stock": product.stock + delta}, at=at)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one product, with the ledger's entry when its stock moves. `before` is None for a new one."""

    before: Product | None
    after: Product
    movement: Movement | None = None

    @property
    def ran_low(self) -> bool:
        """Whether the stock of a product that was there fell to its threshold (or the threshold rose to the stock)."""
        return self.before is not None and self.after.low_stock and not self.before.low_stock


def created(product: Product, *, by: str) -> Change:
    """A new product, with its first stock in the ledger."""
    initial = Movement("product", product.sku, MovementKind.INITIAL, product.stock, product.created_at, by)
    return Change(None, product, initial if product.stock else None)


def returned(product: Product, quantity: int, *, order_id: str, by: str, at: datetime) -> Change:
    """What an order took comes back, also above what an adjustment may make of a stock."""
    movement = Movement(order_id, product.sku, MovementKind.RETURN, quantity, at, by)
    return Change(product, changed(product, {"stock": product.stock + quantity}, at=at), movement)
