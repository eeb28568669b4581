"""Reads of the whole ledger at one moment, for the verification. Streams: memory grows with SKUs, not with orders."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.errors import outage_as_unavailable

OrderQuantities = tuple[str, dict[str, int]]
"""An order id, and a quantity for each of its SKUs."""

ORDER_KINDS = ["sale", "return"]
"""The kinds of movements that an order causes; their `reference` is the order id."""


class LedgerSnapshot:
    """The same moment in every read, so that orders decided meanwhile do not look like drift.

    https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
    """

    def __init__(self, database: Database[Document], session: ClientSession) -> None:
        self._database = database
        self._session = session

    def stock_by_sku(self) -> dict[str, int]:
        found = self._database.products.find({}, {"stock": 1}, session=self._session)
        return {document["_id"]: document["stock"] for document in found}

    def ledger_sum_by_sku(self) -> dict[str, int]:
        sums = self._database.stock_movements.aggregate(
            [{"$group": {"_id": "$sku", "sum": {"$sum": "$delta"}}}], session=self._session, allowDiskUse=True
        )
        return {document["_id"]: document["sum"] for document in sums}

    def sold_by_confirmed_orders(self) -> Iterator[OrderQuantities]:
        """In ascending order of order id."""
        found = self._database.orders.find(
            {"status": Status.CONFIRMED.value},
            {"items": 1},
            sort=[("_id", ASCENDING)],
            session=self._session,
        )
        for document in found:
            yield document["_id"], _summed((item["sku"], item["quantity"]) for item in document["items"])

    def taken_by_movements(self) -> Iterator[OrderQuantities]:
        """What the movements of each order take from stock, returns deducted; in ascending order of order id.

        The `_id` of a movement starts with the order id, so its index has them in this order.
        """
        found = self._database.stock_movements.find(
            {"kind": {"$in": ORDER_KINDS}}, sort=[("_id", ASCENDING)], session=self._session
        )
        for order_id, movements in groupby(found, key=itemgetter("reference")):
            yield order_id, _summed((movement["sku"], -movement["delta"]) for movement in movements)


@contextmanager
def ledger_snapshot(database: Database[Document]) -> Iterator[LedgerSnapshot]:
    """Raises `Unavailable`."""
    with outage_as_unavailable(), database.client.start_session(snapshot=True) as session:
        yield LedgerSnapshot(database, session)


def _summed(quantities: Iterable[tuple[str, int]]) -> dict[str, int]:
    """By SKU; what sums up to zero is left out."""
    sums: dict[str, int] = {}
    for sku, quantity in quantities:
        sums[sku] = sums.get(sku, 0) + quantity
    return {sku: total for sku, total in sums.items() if total}
