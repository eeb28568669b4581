"""What came of the rounds, at the terminal: every table, the targets, and a word when the machine was noisy."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from bench import figures, tables
from bench.rounds import Place, Results
from bench.targets import Verdict

NOISY = 0.25
"""A spread of the rounds above this part of the median: the machine did something else meanwhile."""


def print_results(results: Results, console: Console) -> None:
    for title in results.tables():
        columns = shown_columns(results, title)
        table = Table("", *(tables.HEADINGS[column] for column in columns), title=title, title_justify="left")
        for row in results.rows(title):
            cells = [figures.with_spread(results.measured(Place(title, row, column))) for column in columns]
            table.add_row(row, *cells)
        console.print(table)


def print_verdicts(verdicts: Iterable[Verdict], console: Console) -> None:
    table = Table("figure", "target", "measured", "met", title="targets", title_justify="left")
    for verdict in verdicts:
        target = verdict.target
        table.add_row(target.figure, figures.bound(target), figures.measured(verdict), figures.met(verdict))
    console.print(table)


def print_noise(results: Results, console: Console) -> None:
    if (notice := noise(results)) is not None:
        console.print(notice, highlight=False, markup=False)


def noise(results: Results) -> str | None:
    """How many figures' rounds lie too far apart, and which of them furthest."""
    rates = results.spreads()
    spreads = {place: spread for place, spread in rates.items() if spread is not None}
    noisy = {place: spread for place, spread in spreads.items() if spread > NOISY}
    if rates and not spreads:
        return "Of one round each it can't be told whether the machine is noisy"
    if not noisy:
        return None
    worst = max(noisy, key=lambda place: noisy[place])
    return (
        f"A noisy machine: the rounds of {len(noisy)} of {len(spreads)} rates lie more than {NOISY:.0%} apart, "
        f"furthest {tables.HEADINGS[worst.column]} of {worst.row}, {worst.table}: {noisy[worst]:.0%}"
    )


def shown_columns(results: Results, table: str) -> list[str]:
    """In the order of the headings; faults only where there are some."""
    measured = set(results.columns(table))
    return [
        column
        for column in tables.HEADINGS
        if column in measured and (column not in tables.FAULTS or _has_any(results, table, column))
    ]


def _has_any(results: Results, table: str, column: str) -> bool:
    return any(sum(results.rounds(Place(table, row, column))) for row in results.rows(table))
