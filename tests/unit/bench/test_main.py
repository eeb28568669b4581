"""What is asked of `python -m bench`, and what a round of a contender leaves behind when it fails."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

import bench.__main__ as main
from bench import tables
from bench.load import LoadFailed
from bench.measure import Figures, Spent
from bench.plan import QUICK
from bench.rounds import Place, Results


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--only", "tutorial,nonsense"], "there is no nonsense"),
        (["--rounds", "0"], "must be a number, 1 or more"),
        (["--rounds", "-1"], "must be a number, 1 or more"),
        (["--stored", "1"], "must be a number, 10000 or more"),
        (["--stored", "many"], "must be a number, 10000 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_starts(monkeypatch, capsys, options, complaint):
    monkeypatch.setattr("sys.argv", ["bench", *options])
    with pytest.raises(SystemExit) as refused:
        main.main()
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err


def a_contender_that(monkeypatch, *, accepts: int, refuses: int):
    contender = SimpleNamespace(name=tables.OURS, decides=True)
    monkeypatch.setattr(main, "placed", lambda *_: nullcontext(SimpleNamespace(contender=contender)))
    figures = Figures(accepts, 1, 1, accepts, 1, 1, refused=refuses, broken=0, undecided=0)
    monkeypatch.setattr(main, "measure", lambda *_: (figures, Spent({"api": 1.0}), accepts))
    return contender


def run_round(contender) -> Results:
    results = Results()
    main.run_round(contender, SimpleNamespace(plan=QUICK, results=results, ground=None))
    return results


def test_a_round_has_the_figures_of_every_scenario_and_the_cpu_of_an_order(monkeypatch):
    results = run_round(a_contender_that(monkeypatch, accepts=100, refuses=0))
    assert results.rounds(Place(tables.AT_128, tables.OURS, "accepted_per_second")) == [100]
    assert results.rounds(Place(tables.CPU, tables.HOT, "cpu_us_api")) == [1e6 / 100]


def test_a_contender_that_refuses_what_it_is_measured_by_fails(monkeypatch):
    run_round(a_contender_that(monkeypatch, accepts=100, refuses=2))  # one in a hundred, in two seconds
    with pytest.raises(LoadFailed, match="3 orders were refused, 0 were not answered"):
        run_round(a_contender_that(monkeypatch, accepts=100, refuses=3))


def test_a_round_that_fails_at_its_end_has_no_figures_and_keeps_its_place(monkeypatch):
    contender = a_contender_that(monkeypatch, accepts=100, refuses=0)

    @contextmanager
    def dies(*_):
        yield SimpleNamespace(contender=contender)
        raise LoadFailed("a process ended")

    monkeypatch.setattr(main, "placed", dies)
    results = Results()
    with pytest.raises(LoadFailed):
        main.run_round(contender, SimpleNamespace(plan=QUICK, results=results, ground=None))
    results.add(tables.AT_128, tables.OURS, {"accepted_per_second": 5})
    assert results.rounds(Place(tables.AT_128, tables.OURS, "accepted_per_second")) == [5]
    [first, *_] = results.as_json()["tables"]
    assert first["rows"] == [{"name": tables.OURS, "rounds": [{}, {"accepted_per_second": 5}]}]
