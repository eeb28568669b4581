"""One run: the system, buyers, faults until the time is over, then everything heals and is judged."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.builders import a_product
from tests.faults.chaos.book import Book
from tests.faults.chaos.faults import Faults
from tests.faults.chaos.load import Load
from tests.faults.chaos.schedule import make_schedule
from tests.faults.chaos.stage import CACHE_TTL_SECONDS, Stage
from tests.faults.chaos.verdict import Verdict, differences_of_cache, judge
from tests.faults.chaos.watch import Watch
from tests.mongo import assert_ledger_true, put_products

GAP_SECONDS = 2.5
"""Between two faults, on average: time for most parts to come back, and for some to be struck while they start."""

FINAL_SECONDS = 120.0
"""After the faults, until no order is pending."""

REPORT_SECONDS = 5.0

STOCK = {"SCARCE-1": 50, "SCARCE-2": 200, "SCARCE-3": 1_000, "SOME-1": 10_000, "SOME-2": 20_000, "PLENTY": 1_000_000}
"""What each SKU begins with: some run out within seconds, some in a long run, one never."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`ended`: exit statuses of programs that ended without being killed, by program."""

    seed: int
    seconds: float
    faults: Counter[str]
    ended: dict[str, Counter[int]]
    book: Book
    verdict: Verdict


def run(directory: Path, *, seed: int, seconds: float, say: Say, gap: float = GAP_SECONDS) -> Outcome:
    """Servers, logs and data are in `directory`; `gap` is the time between two faults, in seconds, on average.

    To be called in the main thread, the parent of all processes.
    """
    with Stage(directory) as stage:
        put_products(stage.database, *(a_product(sku, stock=stock) for sku, stock in STOCK.items()))
        book = Book()
        load = Load(stage.stack.url, book, seed=seed, skus=list(STOCK), token=stage.stack.token)
        watch = Watch(stage.connect(timeout_milliseconds=2_000), book)
        faults = Faults(stage, make_schedule(seed, seconds=seconds, gap=gap))
        load.start()
        watch.start()
        faults.run(seconds, on_tick=_reporter(say, book, faults))
        say("the faults are over; waiting for the system, the buyers, and the last decision")
        stage.wait_until_ready()
        load.finish()
        watch.wait_until_all_final(FINAL_SECONDS)
        return Outcome(seed, seconds, faults.done, stage.ended_by_themselves(), book, _judge(stage, book))


def _judge(stage: Stage, book: Book) -> Verdict:
    verdict = judge(stage.database, book, STOCK)
    verdict.wrong.extend(differences_of_cache(stage.stack.url, stage.database, ttl_seconds=CACHE_TTL_SECONDS))
    verdict.wrong.extend(f"process {child.pid} lives on without its parent" for child in stage.orphans_left())
    if not verdict.oversold:
        assert_ledger_true(stage.database)
    return verdict


def _reporter(say: Say, book: Book, faults: Faults) -> Callable[[], None]:
    """A line every few seconds."""
    started = last = time.monotonic()

    def report() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_SECONDS:
            last = now
            say(
                f"{now - started:5.0f} s  accepted {book.accepted:,}, seen final {book.final:,}, "
                f"requests {book.requests:,}, faults {sum(faults.done.values())}, the last: {faults.current}"
            )

    return report
