"""What is left of the time: by the estimates, corrected by how wrong they were."""

from rich.console import Console

from bench.__main__ import CONTENDERS, seconds_of_round
from bench.experiments.table import EXPERIMENTS
from bench.plan import FULL, QUICK, changed
from bench.progress import Progress, clock_face

HALF_AN_HOUR = 30 * 60


def test_what_is_left_follows_from_how_long_the_first_steps_took():
    seconds = [0.0]
    progress = Progress(Console(quiet=True), 100, clock=lambda: seconds[0])
    assert progress.seconds_left() == 100
    progress.step("first", 10)
    seconds[0] = 20.0
    progress.step("second", 10)
    assert progress.seconds_left() == 180


def test_times_are_minutes_and_seconds():
    assert (clock_face(0), clock_face(61.9), clock_face(3_600)) == ("00:00", "01:01", "60:00")


def test_the_whole_plan_is_estimated_at_less_than_half_an_hour():
    contenders = FULL.rounds * len(CONTENDERS) * seconds_of_round(FULL)
    assert contenders + sum(experiment.seconds(FULL) for experiment in EXPERIMENTS) < HALF_AN_HOUR


def test_a_plan_that_was_changed_says_so():
    plan = changed(QUICK, rounds=2, stored=500_000)
    assert (plan.name, plan.rounds, plan.turns, plan.stored) == ("quick, changed", 2, 2, (5_000, 500_000))
    assert changed(QUICK, rounds=None, stored=None) is QUICK
