"""`make bench`, `make bench-quick`: all contenders in interleaved rounds, the experiments, and what came of it.

python -m bench [--quick] [--only this-project,tutorial,bulk] [--rounds 1] [--stored 20000]
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from rich.console import Console

from bench import publish, tables, targets
from bench.about import about
from bench.contenders import ASYNCIO, EXPRESS_MONGOOSE, FLOOR, SYNCHRONOUS, TUTORIAL, Contender, this_project
from bench.experiments.run import Run
from bench.experiments.table import EXPERIMENTS, Experiment
from bench.ground import running_ground
from bench.load import LoadFailed
from bench.measure import measure
from bench.plan import FULL, QUICK, WARM_UP, Plan, Scenario, changed
from bench.processes import Place, placed
from bench.progress import Progress, Step
from bench.report import print_noise, print_results, print_verdicts
from bench.rounds import Results
from shared.startup import allow_many_files

CONTENDERS = [this_project(), TUTORIAL, SYNCHRONOUS, EXPRESS_MONGOOSE, ASYNCIO, FLOOR]

QUICKLY = ("accepting", "bulk", "cached-reads")
"""The experiments that have a place in two minutes."""

START_SECONDS = 7.0
"""About what a contender takes until it is warm, and to stop."""

WAITING = 1.3
"""About how much longer a scenario takes until the last order is decided."""


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 160)
    plan = changed(QUICK if options.quick else FULL, rounds=options.rounds, stored=options.stored)
    names = options.only.split(",") if options.only else _all_names(quick=options.quick)
    contenders = [contender for contender in CONTENDERS if contender.name in names and _can_run(contender, console)]
    experiments = [experiment for experiment in EXPERIMENTS if experiment.name in names]
    allow_many_files()
    results = Results()
    try:
        failures = run_all(contenders, experiments, plan, results, console)
    except LoadFailed as error:
        console.print(f"make bench: {error}", markup=False, highlight=False)
        return 1
    print_results(results, console)
    print_verdicts(targets.verdicts(results), console)
    print_noise(results, console)
    for failure in failures:
        console.print(f"make bench: {failure}", highlight=False, markup=False)
    whole = plan is FULL and not options.only and not failures and len(contenders) == len(CONTENDERS)
    publish.write_results(results, publish.LATEST if whole else publish.LATEST.with_name("partial.json"))
    if whole:
        publish.publish()
    return 1 if failures else 0


def run_all(
    contenders: Sequence[Contender],
    experiments: Sequence[Experiment],
    plan: Plan,
    results: Results,
    console: Console,
) -> list[str]:
    """What went wrong, a line each."""
    progress = Progress(console)
    with running_ground() as ground:
        results.about |= about(ground, plan)
        run = Run(ground, plan, results, progress.tell)
        rounds = [
            Step(
                f"round {number + 1} of {plan.rounds}: {contender.title}",
                seconds_of_round(plan),
                partial(run_round, contender, run),
            )
            for number in range(plan.rounds)
            for contender in contenders
        ]
        return progress.take(
            rounds + [Step(each.title, each.seconds(plan), partial(each.measure, run)) for each in experiments]
        )


def run_round(contender: Contender, run: Run) -> None:
    plan, results = run.plan, run.results
    with placed(contender, run.ground) as place:
        measure(place, WARM_UP)
        peak = 0.0
        for scenario in plan.scenarios:
            peak = max(peak, _measure(place, scenario, results))
        if plan.open_loop and contender.decides:  # as fast as half the floor, the sender itself would be measured
            _measure(place, plan.open_loop_at(peak / 2), results)


def _measure(place: Place, scenario: Scenario, results: Results) -> float:
    """Orders accepted a second."""
    figures, spent, orders = measure(place, scenario)
    results.add(scenario.name, place.contender.name, figures.columns())
    if place.contender.name == tables.OURS:
        results.add(tables.CPU, scenario.name, spent.us_per_order(orders))
    return figures.accepted_per_second


def seconds_of_round(plan: Plan) -> float:
    scenarios = [*plan.scenarios, *([plan.open_loop_at(0)] if plan.open_loop else [])]
    return START_SECONDS + WARM_UP.seconds + WAITING * sum(scenario.seconds for scenario in scenarios)


def _all_names(*, quick: bool) -> list[str]:
    experiments = [experiment.name for experiment in EXPERIMENTS if not quick or experiment.name in QUICKLY]
    return [contender.name for contender in CONTENDERS] + experiments


def _can_run(contender: Contender, console: Console) -> bool:
    if reason := contender.missing():
        console.print(f"Skipped: {contender.title}: {reason}", highlight=False)
    return reason is None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round: under two minutes")
    parser.add_argument("--only", help="some of them, with commas: " + ", ".join(_all_names(quick=False)))
    parser.add_argument("--rounds", type=int, help="rounds of the contenders, and turns within an experiment")
    parser.add_argument("--stored", type=int, help="orders that are stored where many are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
