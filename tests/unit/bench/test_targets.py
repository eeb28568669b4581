"""The table of targets: each figure is computed from the rounds that it is about, and judged at its bound."""

import pytest

from bench import figures, tables
from bench.rounds import Measured, Results
from bench.targets import TARGETS, Target, Verdict, as_json, at_least, at_most, verdicts


def verdict_on(figure: str, results: Results) -> Verdict:
    [found] = [verdict for verdict in verdicts(results) if verdict.target.figure == figure]
    return found


def test_every_figure_stands_once_and_says_how_it_is_measured():
    assert len({target.figure for target in TARGETS}) == len(TARGETS) == 22
    assert [verdict.measured for verdict in verdicts(Results())] == [None] * 22


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (at_least(5, "speed", lambda _: None), 5, True),
        (at_least(5, "speed", lambda _: None), 4.99, False),
        (at_most(5, "cost", lambda _: None), 5, True),
        (at_most(5, "cost", lambda _: None), 5.01, False),
    ],
)
def test_the_bound_itself_is_within(target: Target, value: float, met: bool):
    assert Verdict(target, Measured(value, value, value)).met is met


@pytest.mark.parametrize(
    ("target", "low", "high", "met"),
    [
        (at_least(5, "speed", lambda _: None), 5, 7, "yes"),
        (at_least(5, "speed", lambda _: None), 4.9, 7, "not told"),
        (at_least(5, "speed", lambda _: None), 3, 5, "not told"),
        (at_least(5, "speed", lambda _: None), 3, 4.9, "no"),
        (at_most(5, "cost", lambda _: None), 3, 5, "yes"),
        (at_most(5, "cost", lambda _: None), 3, 5.1, "not told"),
        (at_most(5, "cost", lambda _: None), 5, 7, "not told"),
        (at_most(5, "cost", lambda _: None), 5.1, 7, "no"),
    ],
)
def test_a_median_that_may_be_on_either_side_of_the_bound_does_not_tell(
    target: Target, low: float, high: float, met: str
):
    for value in (low, high):
        verdict = Verdict(target, Measured(value, low, high))
        assert figures.met(verdict) == met
        assert as_json([verdict])[0]["met"] == {"yes": True, "no": False}.get(met, met)


def test_what_was_not_measured_is_neither_met_nor_missed():
    verdict = Verdict(TARGETS[0], None)
    assert verdict.met is None
    assert (figures.measured(verdict), figures.met(verdict)) == ("not measured", "")


@pytest.mark.parametrize(
    ("figure", "row", "theirs", "column", "ours"),
    [
        ("decided/s against the tutorial", "tutorial", 100, "decided_per_second", 1_600),
        ("decided/s against Express and Mongoose", "express", 100, "decided_per_second", 1_600),
        ("accept p99 at 128 connections against the tutorial", "tutorial", 100, "p99_ms", 1_600),
    ],
)
def test_peers_are_compared_at_128_connections(figure, row, theirs, column, ours):
    results = Results()
    results.add(tables.AT_128, tables.OURS, {column: ours})
    results.add(tables.AT_128, row, {column: theirs})
    results.add(tables.connections(512), tables.OURS, {column: 1})
    assert verdict_on(figure, results).measured == Measured(16, 16, 16, sure=False)


def test_one_hot_sku_is_compared_with_1_000():
    results = Results()
    results.add(tables.HOT, tables.OURS, {"decided_per_second": 95})
    results.add(tables.AT_128, tables.OURS, {"decided_per_second": 100})
    assert verdict_on("one hot SKU against 1,000 SKUs, decided/s", results).measured == Measured(
        0.95, 0.95, 0.95, sure=False
    )


@pytest.mark.parametrize("row", [tables.ALONE, tables.WHILE_DECIDING])
def test_accepting_is_compared_with_the_bare_floor(row):
    results = Results()
    for rounds, met in ((5, "not told"), (1, True)):  # five are too few to tell
        for _ in range(rounds):
            results.add(tables.ACCEPTING, row, {"accepted_per_second": 35})
            results.add(tables.ACCEPTING, tables.BARE_FLOOR, {"accepted_per_second": 100})
        assert verdict_on(f"accepted/s against the bare floor, {row}", results).met == met


@pytest.mark.parametrize("feature", tables.WITHOUT)
@pytest.mark.parametrize("callers", tables.CALLERS)
def test_a_feature_costs_the_share_of_what_is_accepted_without_it_that_is_missing_with_it(feature, callers):
    results = Results()
    for with_it, without in ((90, 100), (80, 100), (70, 100)):
        row = tables.with_callers(tables.ALL_FEATURES, callers)
        results.add(tables.FEATURES, row, {"accepted_per_second": with_it})
        row = tables.with_callers(tables.WITHOUT[feature], callers)
        results.add(tables.FEATURES, row, {"accepted_per_second": without})

    verdict = verdict_on(f"cost of {feature}, of accepted/s, {tables.CALLERS[callers]}", results)

    assert verdict.measured == Measured(pytest.approx(0.2), pytest.approx(0.1), pytest.approx(0.3), sure=False)
    assert verdict.met == "not told"
    assert figures.measured(verdict) == "20 % (10 % to 30 %)"
    assert figures.bound(verdict.target) == "at most 15 %"
    assert sum(each.measured is not None for each in verdicts(results)) == 1


def test_bulk_is_judged_by_orders_a_second():
    results = Results()
    results.add(tables.BULK, tables.OURS, {"decided_per_second": 12_345})
    verdict = verdict_on("bulk endpoint, orders decided/s", results)
    assert (figures.measured(verdict), figures.bound(verdict.target)) == ("12,345/s", "at least 10,000/s")


@pytest.mark.parametrize("act", tables.ACTS)
def test_what_is_stored_costs_the_ratio_of_each_turn(act):
    results = Results()
    for ratio in (1.0, 1.2, 1.1):
        results.add(tables.STORED, act, {"us_few": 10, "us_many": 10 * ratio, "ratio": ratio})
    verdict = verdict_on(f"cost with many orders stored against few: {act}", results)
    assert (verdict.met, figures.measured(verdict)) == ("not told", "1.1x (1x to 1.2x)")


def test_a_second_worker_is_judged_under_load_and_on_a_backlog():
    results = Results()
    for _ in range(6):
        results.add(tables.WORKERS, tables.ONE_WORKER, {"decided_per_second": 10, "backlog_decided_per_second": 10})
        results.add(tables.WORKERS, tables.TWO_WORKERS, {"decided_per_second": 11, "backlog_decided_per_second": 9})
    what = "worker processes 1 to 2 on one hot SKU, decided/s"
    assert [verdict_on(f"{what} {when}", results).met for when in ("under load", "of a backlog")] == [True, False]


def test_programs_get_the_table_too():
    verdict = Verdict(at_least(0.35, "speed", lambda _: None), Measured(0.45, 0.4, 0.5))
    assert as_json([verdict]) == [
        {"figure": "speed", "target": ">= 0.35", "measured": 0.45, "low": 0.4, "high": 0.5, "met": True}
    ]
