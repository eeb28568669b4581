"""What was measured: tables of rows with their rounds, their medians and spreads, and the file of them."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

Round = dict[str, float]
"""Figures by the name of their column."""


class Place(NamedTuple):
    table: str
    row: str
    column: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The median of the rounds, the least and the greatest of them."""

    value: float
    least: float
    greatest: float

    @property
    def spread(self) -> float:
        """Between the least and the greatest, as a part of the median."""
        return (self.greatest - self.least) / abs(self.value) if self.value else 0.0


def summary(rounds: Sequence[float]) -> Measured | None:
    return Measured(statistics.median(rounds), min(rounds), max(rounds)) if rounds else None


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
