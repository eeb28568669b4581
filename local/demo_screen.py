"""How the demo looks: live in a terminal, a line a second anywhere else, a table at the end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.demo_tally import Tally


@contextmanager
def shown(console: Console, tally: Tally) -> Iterator[None]:
    """Shows the tally while the body runs, and once more at its end."""
    if console.is_terminal:
        with Live(get_renderable=lambda: _picture(tally), console=console, refresh_per_second=8):
            yield
        return
    done = threading.Event()
    lines = threading.Thread(target=_print_lines, args=(console, tally, done), daemon=True)
    lines.start()
    try:
        yield
    finally:
        done.set()
        lines.join()


def final_table(tallies: list[Tally], ledger: str) -> Table:
    table = Table("", *(tally.title for tally in tallies), title="What became of it")
    rows = {
        "accepted": [f"{tally.accepted:,}" for tally in tallies],
        "confirmed": [f"{tally.statuses['confirmed']:,}" for tally in tallies],
        "rejected": [f"{tally.statuses['rejected']:,}" for tally in tallies],
        "failed": [f"{tally.statuses['failed']:,}" for tally in tallies],
        "not decided": [f"{tally.accepted - tally.decided:,}" for tally in tallies],
        "decided per second": [f"{tally.decided_per_second:,.0f}" for tally in tallies],
        "time to decision, p50": [f"{tally.percentile(50) * 1000:,.0f} ms" for tally in tallies],
        "time to decision, p99": [f"{tally.percentile(99) * 1000:,.0f} ms" for tally in tallies],
        "stock left": [f"{tally.stock_left:,}" for tally in tallies],
        "ledger": [ledger] * len(tallies),
    }
    for name, figures in rows.items():
        table.add_row(name, *figures)
    return table


def _print_lines(console: Console, tally: Tally, done: threading.Event) -> None:
    while not done.wait(1):
        console.print(_line(tally))
    console.print(_line(tally))


def _line(tally: Tally) -> Text:
    statuses = ", ".join(f"{status} {count}" for status, count in sorted(tally.statuses.items()))
    return Text(f"  accepted {tally.accepted} of {tally.orders}, {statuses or 'none seen decided yet'}")


def _picture(tally: Tally) -> RenderableType:
    bars = Table.grid(padding=(0, 1))
    bars.add_row("accepted", ProgressBar(tally.orders, tally.accepted, width=50), f"{tally.accepted:,}")
    bars.add_row("decided", ProgressBar(tally.orders, tally.decided, width=50), f"{tally.decided:,}")
    return Group(bars, _line(tally))
