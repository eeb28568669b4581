"""Pages of a list by keyset: each begins after the last row of the one before; rows that come and go shift nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from shared.store.connection import Document
from shared.store.errors import outage_as_unavailable


@dataclass(frozen=True, slots=True)
class Order:
    """Which field a list is sorted by (`_id` breaks ties, in the same direction), and the index that serves it."""

    by: str
    descending: bool
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a row in its list: its value of the field that the list is sorted by, and its `_id`."""

    value: Any
    row_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where the next one begins; None when this is the last."""

    rows: list[Document]
    next: Position | None


def read_page(
    collection: Collection[Document],
    condition: Document,
    order: Order,
    *,
    after: Position | None,
    limit: int,
    fields: Sequence[str] | None = None,
    session: ClientSession | None = None,
) -> Page:
    """`fields` of each row, by default all of them. Raises `Unavailable`."""
    rows: list[Document] = []
    for part, keys in _parts_after(after, order):
        wanted = limit + 1 - len(rows)  # one more, to know whether there is a next page
        if not wanted:
            break
        with outage_as_unavailable():
            found = collection.find(
                {"$and": [condition, part]}, fields, session=session, sort=keys, limit=wanted, batch_size=wanted + 1
            )
            rows += found.hint(order.index) if order.index else found
    return Page(rows[:limit], _position(rows[limit - 1], order) if len(rows) > limit else None)


def _parts_after(after: Position | None, order: Order) -> Iterator[tuple[Document, list[tuple[str, int]]]]:
    """Ties of the last row first, then what comes after them; each with the keys that it is left to sort by.

    Each part is one range of the index, in its order.
    """
    direction = DESCENDING if order.descending else ASCENDING
    keys = [(field, direction) for field in dict.fromkeys([order.by, "_id"])]
    beyond = "$lt" if order.descending else "$gt"
    if after is None:
        yield {}, keys
        return
    if order.by != "_id":
        yield {order.by: after.value, "_id": {beyond: after.row_id}}, [("_id", direction)]
    yield {order.by: {beyond: after.value}}, keys


def _position(row: Document, order: Order) -> Position:
    value: Any = row
    for name in order.by.split("."):
        value = value[name]
    return Position(value, row["_id"])
