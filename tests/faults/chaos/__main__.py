"""`make test-faults FAULT_SECONDS=600 FAULT_SEED=7 FAULT_TABLE=table.md`: a long run, on a system of its own."""

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos.run import GAP_SECONDS, run
from tests.faults.chaos.schedule import make_schedule
from tests.faults.chaos.table import markdown, print_table, rows_of


def main() -> int:
    seconds = float(os.environ.get("FAULT_SECONDS") or "60")
    seed = int(os.environ.get("FAULT_SEED") or random.randrange(1_000_000))
    table = os.environ.get("FAULT_TABLE")
    _print_schedule(seed, seconds)
    directory = Path(tempfile.mkdtemp(prefix="faults-"))
    outcome = run(directory, seed=seed, seconds=seconds, say=_say)
    rows = rows_of(outcome)
    print_table(rows)
    if table:
        Path(table).write_text(markdown(rows))
    if explanation := outcome.verdict.explanation():
        _say(f"A promise was broken. Logs and data: {directory}\n{explanation}")
        return 1
    shutil.rmtree(directory)
    return 0


def _print_schedule(seed: int, seconds: float) -> None:
    schedule = make_schedule(seed, seconds=seconds, gap=GAP_SECONDS)
    _say(f"FAULT_SEED={seed} FAULT_SECONDS={seconds:g}: {len(schedule)} faults")
    for fault in schedule:
        _say(f"{fault.at:7.2f} s  {fault.kind.name} ({fault.kind.part}, {fault.seconds:.1f} s)")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - for the person at the terminal


if __name__ == "__main__":
    sys.exit(main())
