"""What is said of an import: counts, and the problems of bad rows, of which no more are kept than memory can hold."""

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response

from api.problems import PROBLEM_TYPES
from shared.domain.product_import import BadRow, RowFault
from shared.services.import_products import BatchOutcome

PROBLEMS_MAX = 10_000
PROBLEMS_BYTES_MAX = 4_194_304
CHUNK_BYTES = 65_536

SLUGS = {
    RowFault.UNREADABLE: "malformed-row",
    RowFault.INVALID: "invalid-row",
    RowFault.ARCHIVED: "product-archived",
    RowFault.REPEATED: "sku-repeated",
}


class ImportTally:
    def __init__(self) -> None:
        self.created = self.updated = self.unchanged = self.failed = 0
        self._problems = bytearray()
        self._listed = 0
        self._full = False

    def add(self, outcome: BatchOutcome) -> None:
        self.created += outcome.created
        self.updated += outcome.updated
        self.unchanged += outcome.unchanged
        self.failed += len(outcome.bad)
        for row in outcome.bad:
            self._list(row)

    def counts(self) -> dict[str, int]:
        counts = {"created": self.created, "updated": self.updated, "unchanged": self.unchanged, "failed": self.failed}
        return {"rows": sum(counts.values()), **counts}

    def response(self) -> Response:
        return Response(self._written(), 200, content_type="application/json")

    def _written(self) -> Iterator[bytes]:
        """Bit by bit: the whole of it would be in memory once for each layer that it goes through."""
        yield orjson.dumps({**self.counts(), "problems_omitted": self.failed - self._listed})[:-1] + b',"problems":['
        for start in range(0, len(self._problems), CHUNK_BYTES):
            yield bytes(self._problems[start : start + CHUNK_BYTES])
        yield b"]}"

    def _list(self, row: BadRow) -> None:
        """Written out at once: as objects they would take ten times the memory. The first ones, without a gap."""
        problem = orjson.dumps(_problem(row), option=orjson.OPT_NON_STR_KEYS)
        self._full |= self._listed == PROBLEMS_MAX or len(self._problems) + len(problem) > PROBLEMS_BYTES_MAX
        if not self._full:
            self._problems += (b"," if self._listed else b"") + problem
            self._listed += 1


def _problem(row: BadRow) -> dict[str, Any]:
    slug = SLUGS[row.fault]
    members = {"sku": row.sku, "errors": row.errors}
    return {
        "line": row.line,
        "type": f"/problems/{slug}",
        "title": PROBLEM_TYPES[slug].title,
        "detail": row.detail,
        **{name: value for name, value in members.items() if value is not None},
    }
