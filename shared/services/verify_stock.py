"""Verifying the ledger: stock against the sum of its movements, confirmed orders against theirs.

And the list of products against the products.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from pymongo.database import Database

from shared.domain.errors import ProductNotFound
from shared.store.connection import Document
from shared.store.ledger import OrderQuantities, ledger_snapshot

LISTED_OTHERWISE = "the list of products does not show it as it is; any change of it through the API mends that"


class LedgerUnreadable(Exception):
    """A value that is stored is not what it should be, so that nobody can tell."""


@dataclass(frozen=True, slots=True)
class Drift:
    """`subject` is a SKU or an order id."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """How many SKUs and confirmed orders were looked at, and what is wrong with them."""

    skus: int
    orders: int
    drifts: list[Drift]


def verify_stock(database: Database[Document], sku: str | None = None) -> Report:
    """Everything is read at one moment, so it may run beside sales. With `sku`: what concerns that one alone.

    Raises `ProductNotFound` when there is neither a product nor a movement with that SKU, `LedgerUnreadable`,
    `Unavailable`.
    """
    try:
        return _report(database, sku)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LedgerUnreadable(f"{type(error).__name__}: {error}") from error


def _report(database: Database[Document], sku: str | None) -> Report:
    with ledger_snapshot(database, sku) as snapshot:
        stock, sums = snapshot.stock_by_sku(), snapshot.ledger_sum_by_sku()
        if sku is not None and sku not in stock and sku not in sums:
            raise ProductNotFound(sku)
        drifts = list(_stock_drifts(stock, sums))
        drifts.extend(Drift("listing_differs", it, LISTED_OTHERWISE) for it in snapshot.skus_listed_otherwise())
        orders = _Counted(snapshot.sold_by_confirmed_orders())
        drifts.extend(_order_drifts(orders, snapshot.taken_by_movements()))
        return Report(skus=len(stock), orders=orders.count, drifts=drifts)


def _stock_drifts(stock: dict[str, int], sums: dict[str, int]) -> Iterator[Drift]:
    for sku, units in sorted(stock.items()):
        if units < 0:
            yield Drift("negative_stock", sku, f"stock is {units}")
        if units != sums.get(sku, 0):
            yield Drift("stock_differs", sku, f"stock is {units}, its movements sum up to {sums.get(sku, 0)}")
    for sku in sorted(sums.keys() - stock.keys()):
        yield Drift("product_missing", sku, f"its movements sum up to {sums[sku]}, but there is no product")


def _order_drifts(sold: Iterable[OrderQuantities], taken: Iterable[OrderQuantities]) -> Iterator[Drift]:
    """Both sides come in ascending order of order id, so they are joined as they stream by."""
    sides = merge(
        ((order_id, "sold", quantities) for order_id, quantities in sold),
        ((order_id, "taken", quantities) for order_id, quantities in taken),
        key=lambda entry: entry[0],
    )
    for order_id, entries in groupby(sides, key=lambda entry: entry[0]):
        by_side = {side: quantities for _, side, quantities in entries}
        sold_here, taken_here = by_side.get("sold", {}), by_side.get("taken", {})
        if sold_here != taken_here:
            detail = f"it sold {sold_here or 'nothing'}, its movements took {taken_here or 'nothing'}"
            yield Drift("order_differs", order_id, detail)


class _Counted:
    """Passes a stream on and counts it."""

    def __init__(self, stream: Iterator[OrderQuantities]) -> None:
        self._stream = stream
        self.count = 0

    def __iter__(self) -> Iterator[OrderQuantities]:
        for entry in self._stream:
            self.count += 1
            yield entry
