"""What comes of the rounds: medians with their spread, as a table for people and as JSON for programs."""

import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Figures

NOISY = 0.25
"""A spread of the rounds above this part of the median: the machine did something else meanwhile."""

COLUMNS = {
    "accepted_per_second": "accepted/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "decided_per_second": "decided/s",
    "cpu_ms_per_order": "CPU ms/order",
    "memory_mb": "memory MB",
}

Key = tuple[str, str]
"""Contender and scenario."""


class Results:
    def __init__(self) -> None:
        self._rounds: dict[Key, list[Figures]] = defaultdict(list)

    def add(self, contender: str, scenario: str, figures: Figures) -> None:
        self._rounds[contender, scenario].append(figures)

    def median(self, contender: str, scenario: str, figure: str) -> float:
        return statistics.median(self._values(contender, scenario, figure))

    def spread(self, contender: str, scenario: str, figure: str) -> float:
        """Between the least and the greatest of the rounds, as a part of the median."""
        values = self._values(contender, scenario, figure)
        median = statistics.median(values)
        return (max(values) - min(values)) / median if median else 0.0

    def places(self) -> list[Key]:
        return list(self._rounds)

    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(scenario for _, scenario in self._rounds))

    def contenders(self, scenario: str) -> list[str]:
        return [contender for contender, of in self._rounds if of == scenario]

    def write(self, path: Path, about: Mapping[str, object]) -> None:
        rounds = [
            {"contender": contender, "scenario": scenario, "rounds": [asdict(figures) for figures in found]}
            for (contender, scenario), found in self._rounds.items()
        ]
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"about": about, "results": rounds}, indent=1) + "\n")

    def _values(self, contender: str, scenario: str, figure: str) -> list[float]:
        return [getattr(figures, figure) for figures in self._rounds[contender, scenario]]


def print_results(results: Results, titles: Mapping[str, str], console: Console) -> None:
    for scenario in results.scenarios():
        table = Table("", *COLUMNS.values(), "undecided", title=scenario, title_justify="left")
        for contender in results.contenders(scenario):
            table.add_row(contender, *_cells(results, contender, scenario))
        console.print(table)
    spreads = {(*key, figure): results.spread(*key, figure) for key in results.places() for figure in COLUMNS}
    noisiest = max(spreads, key=lambda place: spreads[place])
    if spreads[noisiest] > NOISY:
        contender, scenario, figure = noisiest
        console.print(f"A noisy machine: {COLUMNS[figure]} of {contender}, {scenario}: {spreads[noisiest]:.0%} apart")
    for contender, title in titles.items():
        console.print(f"{contender}: {title}", highlight=False)


def _cells(results: Results, contender: str, scenario: str) -> Sequence[str]:
    cells = []
    for figure in COLUMNS:
        spread = results.spread(contender, scenario, figure)
        noise = f" ±{50 * spread:.0f} %" if spread else ""
        cells.append(f"{_readable(results.median(contender, scenario, figure))}{noise}")
    return [*cells, _readable(results.median(contender, scenario, "undecided"))]


def _readable(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}"
