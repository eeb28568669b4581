"""The steps of a run: what is left of the time, and what becomes of one that fails."""

import pytest
from rich.console import Console

from bench.__main__ import CONTENDERS, seconds_of_round
from bench.experiments.table import EXPERIMENTS
from bench.load import LoadFailed
from bench.plan import FULL, QUICK, changed
from bench.processes import ContenderFailed
from bench.progress import Progress, Step, clock_face

HALF_AN_HOUR = 30 * 60


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def step(self, title: str, *, estimated: float, takes: float) -> Step:
        def take() -> None:
            self.seconds += takes

        return Step(title, estimated, take)


def printed_by(steps: list[Step], clock: Clock) -> list[str]:
    console = Console(width=100)
    with console.capture() as captured:
        assert Progress(console, clock).take(steps) == []
    return captured.get().splitlines()


def test_what_is_left_follows_from_how_long_the_first_steps_took():
    clock = Clock()
    steps = [clock.step(title, estimated=10, takes=20) for title in ("first", "second", "third")]
    assert printed_by(steps, clock) == [
        "00:00, 00:30 left  first",
        "00:20, 00:40 left  second",
        "00:40, 00:20 left  third",
    ]


def test_times_are_minutes_and_seconds():
    assert (clock_face(0), clock_face(61.9), clock_face(3_600)) == ("00:00", "01:01", "60:00")


@pytest.mark.parametrize("error", [LoadFailed("no answer"), ContenderFailed("no answer")])
def test_a_step_that_fails_is_named_and_the_others_are_taken(error):
    taken = []

    def fail() -> None:
        raise error

    steps = [Step("first", 1, fail), Step("second", 1, lambda: taken.append("second"))]

    assert Progress(Console(quiet=True)).take(steps) == ["first: no answer"]
    assert taken == ["second"]


def test_the_whole_plan_is_estimated_at_about_half_an_hour():
    contenders = FULL.rounds * len(CONTENDERS) * seconds_of_round(FULL)
    experiments = sum(experiment.seconds(FULL) for experiment in EXPERIMENTS)
    assert contenders + experiments == pytest.approx(HALF_AN_HOUR, rel=0.15)


def test_a_plan_that_was_changed_says_so():
    plan = changed(QUICK, rounds=2, stored=500_000)
    assert (plan.name, plan.rounds, plan.turns, plan.stored) == ("quick, changed", 2, 2, (5_000, 500_000))
    assert changed(QUICK, rounds=None, stored=None) is QUICK
