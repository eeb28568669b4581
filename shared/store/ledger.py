"""Reads of the ledger at one moment, for the verification: the whole of it, or what concerns one SKU.

Streams: memory grows with SKUs, not with orders.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.documents import LISTED
from shared.store.errors import outage_as_unavailable

OrderQuantities = tuple[str, dict[str, int]]
"""An order id, and a quantity for each of its SKUs."""

ORDER_KINDS = ["sale", "return"]
"""The kinds of movements that an order causes; their `reference` is the order id."""


class LedgerSnapshot:
    """The same moment in every read, so that orders decided meanwhile do not look like drift.

    https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
    """

    def __init__(self, database: Database[Document], session: ClientSession, sku: str | None) -> None:
        self._database = database
        self._session = session
        self._sku = sku

    def stock_by_sku(self) -> dict[str, int]:
        condition = {} if self._sku is None else {"_id": self._sku}
        found = self._database.products.find(condition, {"stock": 1}, session=self._session)
        return {document["_id"]: document["stock"] for document in found}

    def ledger_sum_by_sku(self) -> dict[str, int]:
        sums = self._database.stock_movements.aggregate(
            [{"$match": self._of_the_sku("sku")}, {"$group": {"_id": "$sku", "sum": {"$sum": "$delta"}}}],
            session=self._session,
            allowDiskUse=True,
        )
        return {document["_id"]: document["sum"] for document in sums}

    def skus_listed_otherwise(self) -> list[str]:
        """Those whose listing is missing, or differs from what the product says of it."""
        said = {field: f"${field}" for field in LISTED}
        found = self._database.products.aggregate(
            [
                {"$match": self._of_the_sku("_id")},
                {"$lookup": {"from": "product_listings", "localField": "_id", "foreignField": "_id", "as": "listings"}},
                {"$match": {"$expr": {"$ne": ["$listings", [said]]}}},
                {"$project": {"_id": 1}},
                {"$sort": {"_id": ASCENDING}},
            ],
            session=self._session,
            allowDiskUse=True,
        )
        return [document["_id"] for document in found]

    def sold_by_confirmed_orders(self) -> Iterator[OrderQuantities]:
        """In ascending order of order id."""
        found = self._database.orders.find(
            {"status": Status.CONFIRMED.value, **self._of_the_sku("items.sku")},
            {"items": 1},
            sort=[("_id", ASCENDING)],
            hint=None if self._sku is None else "by_product",
            session=self._session,
        )
        for document in found:
            yield document["_id"], self._summed((item["sku"], item["quantity"]) for item in document["items"])

    def taken_by_movements(self) -> Iterator[OrderQuantities]:
        """What the movements of each order take from stock, returns deducted; in ascending order of order id.

        The `_id` of a movement starts with the order id, so its index has them in this order. Those of one SKU are
        found by another index and sorted, on disk when they are many.
        """
        found = self._database.stock_movements.find(
            {"kind": {"$in": ORDER_KINDS}, **self._of_the_sku("sku")},
            sort=[("_id", ASCENDING)],
            hint=None if self._sku is None else "by_sku_and_time",
            allow_disk_use=None if self._sku is None else True,
            session=self._session,
        )
        for order_id, movements in groupby(found, key=itemgetter("reference")):
            yield order_id, self._summed((movement["sku"], -movement["delta"]) for movement in movements)

    def _of_the_sku(self, field: str) -> Document:
        return {} if self._sku is None else {field: self._sku}

    def _summed(self, quantities: Iterable[tuple[str, int]]) -> dict[str, int]:
        """By SKU; what sums up to zero is left out, and so are other SKUs than the one that is asked for."""
        sums: dict[str, int] = {}
        for sku, quantity in quantities:
            if self._sku in (None, sku):
                sums[sku] = sums.get(sku, 0) + quantity
        return {sku: total for sku, total in sums.items() if total}


@contextmanager
def ledger_snapshot(database: Database[Document], sku: str | None = None) -> Iterator[LedgerSnapshot]:
    """Of one SKU when it is given. Raises `Unavailable`."""
    with outage_as_unavailable(), database.client.start_session(snapshot=True) as session:
        yield LedgerSnapshot(database, session, sku)
