"""What was measured: tables of rows with their rounds, their medians and spreads, and the file of them."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

Round = dict[str, float]
"""Figures by the name of their column."""


CONFIDENCE = 0.95
"""That the true median lies where it is said to lie."""


class Place(NamedTuple):
    table: str
    row: str
    column: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The median of the rounds; `low` and `high`, between which it lies with a confidence of 95 %, or what rounds fewer
    than six give; `spread`, from the least of them to the greatest, as a part of it.
    """

    value: float
    low: float
    high: float
    spread: float = 0.0


def summary(rounds: Sequence[float]) -> Measured | None:
    if not rounds:
        return None
    ordered, outside = sorted(rounds), _outside(len(rounds))
    median = statistics.median(ordered)
    spread = (ordered[-1] - ordered[0]) / abs(median) if median else 0.0
    return Measured(median, ordered[outside], ordered[-1 - outside], spread)


def _outside(count: int) -> int:
    """How many rounds may be left out at either end, and the median of all that could be taken lies between the rest.

    Each round is above it or below like a coin that falls on either side, whatever they are spread like
    (the sign test: https://en.wikipedia.org/wiki/Sign_test).
    """
    beyond, outside = 2 / 2**count, 0
    while (beyond := beyond + 2 * math.comb(count, outside + 1) / 2**count) <= 1 - CONFIDENCE:
        outside += 1
    return outside


class Results:
    """`about`: of the machine, the programs and the plan."""

    def __init__(self, about: Mapping[str, Any] | None = None) -> None:
        self.about: dict[str, Any] = dict(about or {})
        self._tables: dict[str, dict[str, list[Round]]] = {}

    def add(self, table: str, row: str, figures: Mapping[str, float]) -> None:
        """One more round of a row."""
        self._tables.setdefault(table, {}).setdefault(row, []).append(dict(figures))

    def tables(self) -> list[str]:
        return list(self._tables)

    def rows(self, table: str) -> list[str]:
        return list(self._tables.get(table, {}))

    def columns(self, table: str) -> list[str]:
        rounds = [each for rounds in self._tables.get(table, {}).values() for each in rounds]
        return list(dict.fromkeys(column for each in rounds for column in each))

    def rounds(self, place: Place) -> list[float]:
        rounds = self._tables.get(place.table, {}).get(place.row, [])
        return [each[place.column] for each in rounds if place.column in each]

    def measured(self, place: Place) -> Measured | None:
        """None where nothing was."""
        return summary(self.rounds(place))

    def ratio(self, part: Place, whole: Place) -> Measured | None:
        """Of the rounds in pairs: what the machine did meanwhile, it did to both of a pair."""
        pairs = zip(self.rounds(part), self.rounds(whole), strict=False)
        return summary([one / other for one, other in pairs if other])

    def noisiest(self) -> tuple[Place, float] | None:
        """Of the figures that are a rate: where the rounds lie furthest apart."""
        spreads = {
            place: measured.spread
            for table in self.tables()
            for row in self.rows(table)
            for column in self.columns(table)
            if column.endswith("_per_second") and (measured := self.measured(place := Place(table, row, column)))
        }
        return max(spreads.items(), key=lambda found: found[1]) if spreads else None

    def as_json(self) -> dict[str, Any]:
        return {
            "about": self.about,
            "tables": [
                {"title": title, "rows": [{"name": name, "rounds": rounds} for name, rounds in rows.items()]}
                for title, rows in self._tables.items()
            ],
        }


def read(path: Path) -> Results:
    content = json.loads(path.read_text())
    results = Results(content["about"])
    for table in content["tables"]:
        for row in table["rows"]:
            for figures in row["rounds"]:
                results.add(table["title"], row["name"], figures)
    return results
