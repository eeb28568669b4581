"""`make demo`: 100 buyers at once for the last unit, then a rush over many products, on the running system.

Exit status 1 when the last unit was not sold exactly once, an order was not decided, or the ledger drifts;
2 when it can't be played.
"""

import sys

from rich.console import Console

from local.demo_acts import (
    BUYERS,
    RUSH_ORDERS,
    RUSH_PRODUCTS,
    new_assortment,
    open_shop,
    play_last_unit,
    play_rush,
)
from local.demo_screen import final_table, shown
from local.demo_tally import Tally
from local.errors import LocalError
from local.readiness import refuse_unless_ready
from local.settings import load_local_settings
from local.system import System, running_system
from local.terminal import complain
from local.verify import drift_table, ledger_line, verify
from shared.domain.errors import Unavailable
from shared.services.verify_stock import Report
from shared.settings import SettingsInvalid

EXIT_BROKEN_PROMISE = 1
EXIT_NOT_PLAYED = 2
EXIT_INTERRUPTED = 130


def main() -> int:
    console = Console()
    try:
        system = running_system(load_local_settings())
        refuse_unless_ready(system)
        last_unit, rush = play(system, console)
        console.print("Checking all stock against its ledger")
        report = verify(system.mongo_url)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (LocalError, SettingsInvalid, Unavailable) as error:
        complain(f"make demo: {error}")
        return EXIT_NOT_PLAYED
    return conclude(console, last_unit, rush, report)


def play(system: System, console: Console) -> tuple[Tally, Tally]:
    assortment = new_assortment()
    last_unit, rush = Tally("last unit", BUYERS), Tally("rush", RUSH_ORDERS)
    console.print(f"Stocking {1 + RUSH_PRODUCTS} new products")
    open_shop(system, assortment)
    console.print(f"Act 1: {BUYERS} buyers at once for the last unit of {assortment.last_unit}")
    with shown(console, last_unit):
        play_last_unit(system, assortment, last_unit)
    console.print(f"Act 2: {RUSH_ORDERS:,} orders over {RUSH_PRODUCTS} products, some of them short")
    with shown(console, rush):
        play_rush(system, assortment, rush)
    return last_unit, rush


def conclude(console: Console, last_unit: Tally, rush: Tally, report: Report) -> int:
    """Prints the figures and what they mean; the exit status."""
    console.print(final_table([last_unit, rush], "drifts" if report.drifts else "true"))
    console.print(ledger_line(report), highlight=False)
    if report.drifts:
        console.print(drift_table(report.drifts))
    broken = _broken_promises(last_unit, rush, report)
    for promise in broken:
        console.print(f"BROKEN: {promise}", style="bold red")
    return EXIT_BROKEN_PROMISE if broken else 0


def _broken_promises(last_unit: Tally, rush: Tally, report: Report) -> list[str]:
    sold = last_unit.statuses["confirmed"]
    promises = {
        f"the last unit was sold {sold} times": sold == 1 and last_unit.stock_left == 0,
        "some orders were not decided": all(tally.decided == tally.orders for tally in (last_unit, rush)),
        "the ledger drifts": not report.drifts,
    }
    return [broken for broken, kept in promises.items() if not kept]


if __name__ == "__main__":
    sys.exit(main())
