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
    """The median of the rounds; `low` and `high`, between which it lies with a confidence of 95 % if that is `sure`; of
    too few rounds they are the least and the greatest. `spread`: from the least to the greatest, as a part of it.
    """

    value: float
    low: float
    high: float
    spread: float = 0.0
    sure: bool = True


def summary(rounds: Sequence[float]) -> Measured | None:
    if not rounds:
        return None
    ordered, left_out = sorted(rounds), left_out_of(len(rounds))
    median, outside = statistics.median(ordered), left_out or 0
    spread = (ordered[-1] - ordered[0]) / abs(median) if median else 0.0
    return Measured(median, ordered[outside], ordered[-1 - outside], spread, sure=left_out is not None)


def left_out_of(rounds: int) -> int | None:
    """How many may be left out at either end, and the median of all that could be taken lies between the rest.

    Each round is above it or below like a coin that falls on either side, whatever they are spread like
    (the sign test: https://en.wikipedia.org/wiki/Sign_test). None for fewer than six, which do not tell it.
    """
    beyond, left_out = 0.0, None
    for number in range(rounds):
        beyond += 2 * math.comb(rounds, number) / 2**rounds
        if beyond > 1 - CONFIDENCE:
            break
        left_out = number
    return left_out


class Results:
    """`about`: of the machine, the programs and the plan."""

    def __init__(self, about: Mapping[str, Any] | None = None) -> None:
        self.about: dict[str, Any] = dict(about or {})
        self._tables: dict[str, dict[str, list[Round]]] = {}

    def add(self, table: str, row: str, figures: Mapping[str, float]) -> None:
        """One more round of a row; without figures for one that failed, so that later ones keep their partners."""
        self._tables.setdefault(table, {}).setdefault(row, []).append(dict(figures))

    def tables(self) -> list[str]:
        return list(self._tables)

    def rows(self, table: str) -> list[str]:
        return list(self._tables.get(table, {}))

    def columns(self, table: str) -> list[str]:
        rounds = [each for rounds in self._tables.get(table, {}).values() for each in rounds]
        return list(dict.fromkeys(column for each in rounds for column in each))

    def rounds(self, place: Place) -> list[float]:
        return [each[place.column] for each in self._all_rounds(place) if place.column in each]

    def measured(self, place: Place) -> Measured | None:
        """None where nothing was."""
        return summary(self.rounds(place))

    def ratio(self, part: Place, whole: Place) -> Measured | None:
        """Of the rounds in pairs: what the machine did meanwhile, it did to both of a pair."""
        pairs = zip(self._all_rounds(part), self._all_rounds(whole), strict=False)
        figures = [(one.get(part.column), other.get(whole.column)) for one, other in pairs]
        return summary([one / other for one, other in figures if one is not None and other])

    def spreads(self) -> dict[Place, float | None]:
        """Of the figures that are a rate; of a single round there is none."""
        places = [
            Place(table, row, column)
            for table in self.tables()
            for row in self.rows(table)
            for column in self.columns(table)
            if column.endswith("_per_second")
        ]
        found = {place: self.measured(place) for place in places}
        return {
            place: measured.spread if len(self.rounds(place)) > 1 else None
            for place, measured in found.items()
            if measured
        }

    def _all_rounds(self, place: Place) -> list[Round]:
        return self._tables.get(place.table, {}).get(place.row, [])

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
