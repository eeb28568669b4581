"""Importing products: rows in batches, each a transaction, so that what was written stays whatever becomes of the rest.

The same rows again change nothing. A batch that meets a sale, or someone who creates the same product, is decided anew
on what is true then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import uuid_utils
from pymongo.database import Database

from shared.cache import LeaseCache
from shared.clock import now
from shared.domain.errors import SkuTaken, Unavailable
from shared.domain.product import Change, Product
from shared.domain.product_import import BadRow, ProductRow, applied, archived, repeated
from shared.services.product_changes import report_changes
from shared.store.connection import Document
from shared.store.products import change_products

ROWS_MAX = 200
"""Of one batch. More would be faster, and lose more often against the sales of one of them."""

ATTEMPTS_MAX = 3

Row = ProductRow | BadRow


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of some rows, one after the other in the file; `bad` in order of line."""

    created: int
    updated: int
    unchanged: int
    bad: Sequence[BadRow]


def import_products(
    database: Database[Document], product_cache: LeaseCache, rows: Iterable[Row], *, by: str
) -> Iterator[BatchOutcome]:
    """Yields after every commit. Raises `Unavailable`, and what `rows` raises; what was yielded before stays."""
    for batch in batches(each_sku_once(rows)):
        wanted = [row for row in batch if isinstance(row, ProductRow)]
        changes = _write(database, product_cache, wanted, by) if wanted else []
        report_changes(changes)
        yield _outcome(batch, changes)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while batch := list(islice(rest, ROWS_MAX)):
        yield batch


def each_sku_once(rows: Iterable[Row]) -> Iterator[Row]:
    """Only the first row of each counts. What is kept of a row is a number, so that a long file takes little memory."""
    seen: set[int] = set()
    for row in rows:
        if isinstance(row, ProductRow):
            if hash(row.sku) in seen:
                yield repeated(row)
                continue
            seen.add(hash(row.sku))
        yield row


def _write(
    database: Database[Document], product_cache: LeaseCache, rows: Sequence[ProductRow], by: str
) -> Sequence[Change]:
    """A commit of which nobody knows may be repeated too: rows say what shall be, not by how much it changes."""

    def decide(found: Mapping[str, Product]) -> list[Change]:
        at, reference = now(), str(uuid_utils.uuid7())
        changes = [applied(row, found.get(row.sku), by=by, reference=reference, at=at) for row in rows]
        return [change for change in changes if change]

    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with product_cache.changing() as warn:
                return change_products(database, [row.sku for row in rows], decide, warn=warn)
        except (SkuTaken, Unavailable) as error:
            if attempt == ATTEMPTS_MAX:
                raise Unavailable("MongoDB") from error
    raise AssertionError("unreachable")


def _outcome(batch: Sequence[Row], changes: Sequence[Change]) -> BatchOutcome:
    written = {change.after.sku for change in changes}
    refused = [
        row if isinstance(row, BadRow) else archived(row)
        for row in batch
        if isinstance(row, BadRow) or row.sku not in written
    ]
    created = sum(change.before is None for change in changes)
    unchanged = sum(change.after == change.before for change in changes)
    return BatchOutcome(created, len(changes) - created - unchanged, unchanged, refused)
