"""What the terminal shows: the tables as they were measured, and a word about a noisy machine."""

import pytest
from rich.console import Console

from bench import figures, tables
from bench.report import noise, print_results, print_verdicts, shown_columns
from bench.rounds import Measured, Results
from bench.targets import verdicts


@pytest.fixture
def console() -> Console:
    return Console(width=200, record=True, quiet=True)


def test_a_table_has_a_row_for_each_contender_and_its_columns_in_order(console):
    results = Results()
    results.add(tables.AT_128, "tutorial", {"p99_ms": 466.6, "accepted_per_second": 465.94})
    results.add(tables.AT_128, "floor", {"p99_ms": 9.21, "accepted_per_second": 17_654.3})
    assert shown_columns(results, tables.AT_128) == ["accepted_per_second", "p99_ms"]

    console.quiet = False
    with console.capture() as captured:
        print_results(results, console)

    lines = captured.get().splitlines()
    assert tables.AT_128 in lines[0]
    assert [line.replace("│", " ").split() for line in lines if "tutorial" in line or "floor" in line] == [
        ["tutorial", "466", "467"],
        ["floor", "17,654", "9.21"],
    ]


def test_faults_are_shown_when_there_was_one():
    results = Results()
    results.add(tables.AT_128, "tutorial", {"undecided": 0, "refused": 0, "broken": 0})
    assert shown_columns(results, tables.AT_128) == []
    results.add(tables.AT_128, "express", {"undecided": 0, "refused": 0, "broken": 2})
    assert shown_columns(results, tables.AT_128) == ["broken"]


def test_every_target_is_printed_measured_or_not(console):
    console.quiet = False
    with console.capture() as captured:
        print_verdicts(verdicts(Results()), console)
    assert captured.get().count("not measured") == len(verdicts(Results()))


def test_a_noisy_machine_is_named_with_its_noisiest_figure():
    results = Results()
    for value in (100, 130):
        results.add(tables.AT_128, "tutorial", {"decided_per_second": value, "accepted_per_second": 100})
    assert noise(results) == (
        "A noisy machine: the rounds of 1 of 2 rates lie more than 25% apart, furthest decided/s of tutorial, "
        "128 connections: 26%"
    )


def test_one_round_does_not_tell_whether_the_machine_is_noisy():
    results = Results()
    results.add(tables.STORED, "poll", {"ratio": 1})
    assert noise(results) is None
    results.add(tables.AT_128, "tutorial", {"decided_per_second": 100})
    assert noise(results) == "Of one round each it can't be told whether the machine is noisy"


def test_a_quiet_machine_is_not():
    results = Results()
    for value in (100, 120):
        results.add(tables.AT_128, "tutorial", {"decided_per_second": value})
    assert noise(results) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.128, "0.13"),
        (0.9, "0.9"),
        (1, "1"),
        (12.34, "12.3"),
        (10, "10"),
        (99.96, "100"),
        (12345.6, "12,346"),
    ],
)
def test_figures_are_short(value, text):
    assert figures.readable(value) == text


def test_a_spread_is_shown_to_both_sides():
    assert figures.with_spread(Measured(100, 95, 105, spread=0.2)) == "100 ±10 %"
    assert figures.with_spread(Measured(100, 100, 100)) == "100"
    assert figures.with_spread(None) == ""
