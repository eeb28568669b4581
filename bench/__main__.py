"""`make bench`, `make bench-quick`: all contenders in turn, in interleaved rounds, and what came of it.

python -m bench [--quick] [--only this-project,tutorial]
"""

import argparse
import platform
import sys
import time
from pathlib import Path

import psutil
from rich.console import Console

from bench.contenders import ASYNCIO, EXPRESS_MONGOOSE, FLOOR, SYNCHRONOUS, TUTORIAL, Contender, this_project
from bench.ground import Ground, running_ground
from bench.load import LoadFailed
from bench.measure import Scenario, measure
from bench.processes import ContenderFailed, running
from bench.report import Results, print_results
from bench.scenarios import SKUS, WARM_UP, Plan, full, quick
from shared.startup import allow_many_files

RESULTS = Path(__file__).parent / "results" / "latest.json"

CONTENDERS = [this_project(), TUTORIAL, SYNCHRONOUS, EXPRESS_MONGOOSE, ASYNCIO, FLOOR]


def main() -> int:
    options = _options()
    console = Console()
    plan = quick() if options.quick else full()
    names = options.only.split(",") if options.only else [contender.name for contender in CONTENDERS]
    contenders = [contender for contender in CONTENDERS if contender.name in names and _can_run(contender, console)]
    allow_many_files()
    results = Results()
    try:
        with running_ground() as ground:
            for number in range(plan.rounds):
                for contender in contenders:
                    console.print(f"Round {number + 1} of {plan.rounds}: {contender.title}", highlight=False)
                    run_round(contender, ground, plan, results)
    except (LoadFailed, ContenderFailed) as error:
        console.print(f"make bench: {error}", markup=False, highlight=False)
        return 1
    print_results(results, {contender.name: contender.title for contender in contenders}, console)
    results.write(RESULTS, _about(plan))
    return 0


def run_round(contender: Contender, ground: Ground, plan: Plan, results: Results) -> None:
    database = ground.empty(contender.name)
    contender.seed(database, [f"SKU-{number}" for number in range(SKUS)])
    with running(contender, ground) as processes:
        measure(contender, ground, database, processes, WARM_UP)
        peak = 0.0
        for scenario in plan.scenarios:
            figures = measure(contender, ground, database, processes, scenario)
            results.add(contender.name, scenario.name, figures)
            peak = max(peak, figures.accepted_per_second)
        if plan.open_loop:
            half = Scenario("open loop at half the peak", skus=SKUS, connections=128, seconds=5, rate=peak / 2)
            results.add(contender.name, half.name, measure(contender, ground, database, processes, half))
    database.client.drop_database(database.name)
    database.client.close()


def _can_run(contender: Contender, console: Console) -> bool:
    if reason := contender.missing():
        console.print(f"Skipped: {contender.title}: {reason}", highlight=False)
    return reason is None


def _about(plan: Plan) -> dict[str, object]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpus": psutil.cpu_count(),
        "python": platform.python_version(),
        "rounds": plan.rounds,
        "load": "wrk on the same machine",
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one round, one scenario: under two minutes")
    parser.add_argument("--only", help="names of contenders, with commas: " + ", ".join(c.name for c in CONTENDERS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
