"""Rounds become medians with what lies around them, and ratios of the rounds in pairs."""

import pytest

from bench import rounds
from bench.publish import write_results
from bench.rounds import Measured, Place, Results

SPEED = "accepted_per_second"


def results_of(**rows: list[float]) -> Results:
    results = Results({"cpus": 2})
    for row, values in rows.items():
        for value in values:
            results.add("a table", row, {SPEED: value})
    return results


def place(row: str) -> Place:
    return Place("a table", row, SPEED)


def test_a_figure_is_the_median_and_lies_between_the_least_and_the_greatest_of_few_rounds():
    assert results_of(ours=[30, 10, 20]).measured(place("ours")) == Measured(20, 10, 30, spread=1, sure=False)
    assert results_of(ours=[10, 20]).measured(place("ours")) == Measured(15, 10, 20, pytest.approx(10 / 15), sure=False)


@pytest.mark.parametrize(("rounds", "left_out"), [(6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (20, 5)])
def test_the_median_of_many_rounds_lies_nearer_with_the_same_confidence(rounds, left_out):
    """The ranks are those of a table of the sign test's critical values, two-sided, 5 %."""
    values = [float(number) for number in range(1, rounds + 1)]
    measured = results_of(ours=values[::-1]).measured(place("ours"))
    assert measured is not None
    assert (measured.low, measured.high) == (1 + left_out, rounds - left_out)
    assert measured.spread == pytest.approx((rounds - 1) / measured.value)
    assert measured.sure


@pytest.mark.parametrize("rounds", [1, 2, 3, 4, 5])
def test_fewer_rounds_than_six_are_not_sure(rounds):
    measured = results_of(ours=[1.0] * rounds).measured(place("ours"))
    assert measured is not None
    assert not measured.sure


@pytest.mark.parametrize(("rounds", "spread"), [([-1, -0.5, 0], 2), ([0, 0, 0], 0), ([-1, 0, 1], 0)])
def test_the_spread_is_a_part_of_the_median(rounds, spread):
    measured = results_of(ours=rounds).measured(place("ours"))
    assert measured is not None
    assert measured.spread == spread


def test_what_was_not_measured_is_none_and_no_zero():
    results = results_of(ours=[1])
    assert results.measured(place("theirs")) is None
    assert results.measured(Place("another table", "ours", SPEED)) is None
    assert results.measured(Place("a table", "ours", "p99_ms")) is None
    assert results.ratio(place("ours"), place("theirs")) is None
    assert results.ratio(place("theirs"), place("ours")) is None


def test_a_ratio_is_of_rounds_in_pairs_so_that_what_slows_both_does_not_count():
    results = results_of(ours=[100, 50, 90], theirs=[10, 5, 10])
    assert results.ratio(place("ours"), place("theirs")) == Measured(10, 9, 10, spread=0.1, sure=False)


def test_a_round_without_a_figure_has_no_ratio():
    results = results_of(ours=[1, 3], theirs=[0, 1])
    assert results.ratio(place("ours"), place("theirs")) == Measured(3, 3, 3, sure=False)


def test_a_round_that_failed_keeps_its_place_so_that_the_others_keep_their_partners():
    results = results_of(ours=[30, 15, 45])
    for figures in ({}, {SPEED: 1}, {SPEED: 3}):
        results.add("a table", "theirs", figures)
    assert results.ratio(place("ours"), place("theirs")) == Measured(15, 15, 15, sure=False)
    assert results.rounds(place("theirs")) == [1, 3]


def test_spreads_are_of_rates_and_there_is_none_of_a_single_round():
    results = results_of(ours=[100, 110], theirs=[10, 20], alone=[5])
    results.add("a table", "ours", {"p99_ms": 1})
    results.add("a table", "ours", {"p99_ms": 1000})
    assert results.spreads() == {
        place("ours"): pytest.approx(10 / 105),
        place("theirs"): pytest.approx(10 / 15),
        place("alone"): None,
    }
    assert Results().spreads() == {}


def test_the_file_gives_back_what_was_written(tmp_path):
    results = results_of(ours=[1.5, 2], theirs=[3])
    write_results(results, tmp_path / "results" / "latest.json")

    found = rounds.read(tmp_path / "results" / "latest.json")

    assert found.as_json() == results.as_json()
    assert found.about == {"cpus": 2}
    assert found.rounds(place("ours")) == [1.5, 2]
