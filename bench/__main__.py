"""`make bench`, `make bench-quick`: all contenders in interleaved rounds, the experiments, and what came of it.

python -m bench [--quick] [--only this-project,tutorial,bulk] [--rounds 1] [--stored 20000]
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
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
from bench.plan import FULL, QUICK, STORED_MIN, WARM_UP, Plan, Scenario, changed
from bench.processes import Place, placed
from bench.progress import Progress, Step
from bench.report import print_noise, print_results, print_verdicts
from bench.rounds import Results, Round
from shared.startup import allow_many_files

CONTENDERS = [this_project(), TUTORIAL, SYNCHRONOUS, EXPRESS_MONGOOSE, ASYNCIO, FLOOR]

QUICKLY = ("bulk", "cached-reads")
"""The experiments that have a place in two minutes."""

START_SECONDS = 7.0
"""About what a contender takes until it is warm, and to stop."""

EXIT_INTERRUPTED = 130

FAILED_MAX = 0.01
"""Of what is accepted: where more fails, it is something else that is measured."""

WAITING = 1.3
"""About how much longer a scenario takes until the last order is decided."""


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 160)
    plan = changed(QUICK if options.quick else FULL, rounds=options.rounds, stored=options.stored)
    names = options.only or _all_names(quick=options.quick)
    contenders = [contender for contender in CONTENDERS if contender.name in names and _can_run(contender, console)]
    experiments = [experiment for experiment in EXPERIMENTS if experiment.name in names]
    allow_many_files()
    console.print("Load: wrk where it is as fast as it is answered; where it has a rate, and bulks, a sender of ours")
    results = Results()
    try:
        failures = run_all(contenders, experiments, plan, results, console)
    except LoadFailed as error:
        console.print(f"make bench: {error}", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("make bench: interrupted, nothing is written")
        return EXIT_INTERRUPTED
    print_results(results, console)
    print_verdicts(targets.verdicts(results), console)
    print_noise(results, console)
    for failure in failures:
        console.print(f"make bench: {failure}", highlight=False, markup=False)
    whole = plan is FULL and not options.only and not failures and len(contenders) == len(CONTENDERS)
    file = publish.LATEST if whole else publish.LATEST.with_name("partial.json")
    publish.write_results(results, file)
    if whole:
        publish.publish()
    console.print(f"Every round is in {file}", highlight=False, soft_wrap=True)
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
    """Its figures count when it has come to its end. A round that failed has none, in its place among the others."""
    names = [scenario.name for scenario in run.plan.scenarios]
    if run.plan.open_loop and contender.decides:  # as fast as half the floor, the sender itself would be measured
        names.append(tables.OPEN_LOOP)
    found: Mapping[str, tuple[Round, Round]] = {}
    try:
        found = _measure_all(contender, run, names)
    finally:
        for name in names:
            figures, cpu = found.get(name, ({}, {}))
            run.results.add(name, contender.name, figures)
            if contender.name == tables.OURS:
                run.results.add(tables.CPU, name, cpu)


def _measure_all(contender: Contender, run: Run, names: Sequence[str]) -> Mapping[str, tuple[Round, Round]]:
    with placed(contender, run.ground) as place:
        measure(place, WARM_UP)
        found = {scenario.name: _measure(place, scenario) for scenario in run.plan.scenarios}
        if tables.OPEN_LOOP in names:
            peak = max(figures["accepted_per_second"] for figures, _ in found.values())
            found[tables.OPEN_LOOP] = _measure(place, run.plan.open_loop_at(peak / 2))
    return found


def _measure(place: Place, scenario: Scenario) -> tuple[Round, Round]:
    """The figures, and the CPU of each order by kind of process. Raises `LoadFailed` for a contender that is broken."""
    figures, spent, orders = measure(place, scenario)
    failed = figures.refused + figures.broken
    if failed > FAILED_MAX * figures.accepted_per_second * scenario.seconds:
        raise LoadFailed(f"{scenario.name}: {figures.refused} orders were refused, {figures.broken} were not answered")
    return figures.columns(), spent.us_per_order(orders)


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
    parser.add_argument("--only", type=_names, help="some of them, with commas: " + ", ".join(_all_names(quick=False)))
    parser.add_argument("--rounds", type=_at_least(1), help="rounds of the contenders, and turns within an experiment")
    parser.add_argument("--stored", type=_at_least(STORED_MIN), help="orders that are stored where many are")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(_all_names(quick=False)):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return names


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a number, {least} or more")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
