"""How idle the CPUs are, from what the kernel tells, and whether there is CPU to spare."""

from pathlib import Path

import pytest

from shared import cpu_idle
from shared.cpu_idle import LOOK_SECONDS, SpareCpu, cpu_ticks, idle_shares


@pytest.fixture
def stat(monkeypatch, tmp_path) -> Path:
    stat = tmp_path / "stat"
    monkeypatch.setattr(cpu_idle, "TICKS", stat)
    return stat


def test_what_was_idle_is_told_from_the_ticks_of_each_cpu(stat):
    stat.write_text("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 0 10 100 20 0 0 0 0 0\ncpu11 0 0 0 50 0 0 0 0 0 0\nintr 1 2\n")
    before = cpu_ticks()
    stat.write_text("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 70 0 20 120 30 0 0 0 60 0\ncpu11 0 0 0 50 0 0 0 0 0 0\nintr 1 2\n")
    assert idle_shares(before, cpu_ticks()) == {0: 0.3}


@pytest.mark.usefixtures("stat")
def test_where_the_kernel_tells_nothing_nothing_is_known():
    assert idle_shares(cpu_ticks(), cpu_ticks()) == {}


@pytest.fixture
def passes(monkeypatch) -> None:
    """Each look at the clock is later than the one before by as long as it takes to look again."""
    moments = (number * LOOK_SECONDS for number in range(100))
    monkeypatch.setattr("shared.cpu_idle.time.monotonic", lambda: next(moments))


@pytest.mark.usefixtures("passes")
@pytest.mark.parametrize(("idle", "spare"), [((5, 5), False), ((9, 9), False), ((11, 11), True), ((0, 21), True)])
def test_it_is_there_when_all_together_were_idle_for_a_fifth_of_one(stat, idle, spare):
    stat.write_text("cpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n")
    cpu = SpareCpu()
    stat.write_text("".join(f"cpu{n} {100 - ticks} 0 0 {ticks} 0 0 0 0 0 0\n" for n, ticks in enumerate(idle)))
    assert cpu.is_there() is spare


@pytest.mark.usefixtures("passes", "stat")
def test_it_is_taken_to_be_there_where_nobody_tells():
    assert SpareCpu().is_there()


def test_between_two_looks_what_was_seen_holds(stat):
    stat.write_text("cpu0 0 0 0 0 0 0 0 0 0 0\n")
    cpu = SpareCpu()
    stat.write_text("cpu0 0 0 0 100 0 0 0 0 0 0\n")
    assert not cpu.is_there()
