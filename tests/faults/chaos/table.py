"""The table at the end of a run, for a terminal and as Markdown from the same rows."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.faults.chaos.run import Outcome
from tests.faults.chaos.schedule import KIND_NAMES

Rows = Sequence[tuple[str, str]]


def rows_of(outcome: Outcome) -> Rows:
    book, verdict = outcome.book, outcome.verdict
    return [
        ("seed", str(outcome.seed)),
        ("seconds of faults", f"{outcome.seconds:g}"),
        ("faults", f"{sum(outcome.faults.values()):,}"),
        *((f"— {name}", f"{outcome.faults[name]:,}") for name in KIND_NAMES),
        ("programs that ended by themselves", _ended(outcome)),
        ("requests sent", f"{book.requests:,}"),
        ("— of them repetitions", f"{book.repeated:,}"),
        ("— answers", _counted(book.answers)),
        ("reads of orders, of products", f"{book.status_reads:,}, {book.stock_reads:,}"),
        ("orders accepted", f"{book.accepted:,}"),
        *((f"— {status}", f"{verdict.statuses[status]:,}") for status in ("confirmed", "rejected", "cancelled")),
        ("stored, but their buyer gave up", f"{verdict.untold:,}"),
        ("longest from acceptance to final", f"{book.longest_to_final:.1f} s"),
        ("longest time without an acceptance", f"{book.longest_outage:.1f} s"),
        ("pending at the end", f"{len(verdict.undecided):,}"),
        ("failed", f"{len(verdict.failed):,}"),
        ("lost", f"{len(verdict.lost):,}"),
        ("doubled", f"{len(verdict.doubled):,}"),
        ("oversold, or ledger not true", f"{len(verdict.oversold):,}"),
        ("otherwise wrong", f"{len(verdict.wrong):,}"),
    ]


def print_table(rows: Rows) -> None:
    table = Table("", "", title="What became of it", show_header=False)
    for name, figure in rows:
        table.add_row(name, figure)
    Console(width=110).print(table)


def markdown(rows: Rows) -> str:
    return "\n".join(["| | |", "|---|---:|", *(f"| {name} | {figure} |" for name, figure in rows), ""])


def _ended(outcome: Outcome) -> str:
    ends = [
        f"{name} {times}x (status {status})"
        for name, statuses in sorted(outcome.ended.items())
        for status, times in sorted(statuses.items())
    ]
    return ", ".join(ends) or "none"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {times:,}" for name, times in sorted(counts.items()))
