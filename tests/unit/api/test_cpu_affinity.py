"""Which CPU a process keeps to: no two siblings the same, and a move only from a busy one to an idle one."""

from collections.abc import Iterator

import pytest

from api import cpu_affinity
from api.cpu_affinity import Seat, better_cpus

PORT = 65_000


@pytest.fixture(autouse=True)
def bound(monkeypatch) -> list[int]:
    """The CPUs that the threads were bound to, in turn; those of the tests stay where they are."""
    bound: list[int] = []
    monkeypatch.setattr(cpu_affinity, "bind_threads", bound.append)
    return bound


@pytest.fixture
def seats() -> Iterator[list[Seat]]:
    seats = [Seat([3, 5], port=PORT) for _ in range(3)]
    yield seats
    for seat in seats:
        seat.close()


def chance(monkeypatch, value: float) -> None:
    monkeypatch.setattr("random.random", lambda: value)


def test_siblings_sit_on_different_cpus_and_who_finds_none_is_left_to_the_kernel(seats, bound):
    for seat in seats:
        seat.settle()
    assert sorted(bound) == [3, 5]
    assert {seats[0].cpu, seats[1].cpu} == {3, 5}
    assert seats[2].cpu is None


def test_another_api_is_no_sibling(seats):
    other = Seat([3, 5], port=PORT + 1)
    for seat in (*seats[:2], other):
        seat.settle()
    assert other.cpu in {3, 5}
    other.close()


def test_a_seat_is_free_when_its_process_has_ended(seats, bound):
    first, second, third = seats
    first.settle()
    second.settle()
    left = first.cpu
    first.close()
    third.settle()
    assert (third.cpu, bound[-1]) == (left, left)


def test_who_is_on_a_busy_cpu_moves_to_an_idle_one_and_leaves_the_old_one(seats, bound, monkeypatch):
    monkeypatch.setattr("random.sample", lambda cpus, _: cpus)
    chance(monkeypatch, 0.4)
    mover, follower, _ = seats
    mover.settle()
    assert mover.cpu == 3
    mover.look({3: 0.02, 5: 0.9})
    assert (mover.cpu, bound) == (5, [3, 5])
    follower.settle()
    assert follower.cpu == 3


@pytest.mark.parametrize(
    ("idle", "luck"),
    [
        ({3: 0.2, 5: 0.9}, 0.4),
        ({3: 0.02, 5: 0.3}, 0.4),
        ({3: 0.02, 5: 0.9}, 0.6),
        ({3: 0.02, 4: 0.9}, 0.4),
        ({}, 0.4),
    ],
    ids=["not busy", "none is idle", "another's turn", "none that it may use", "nothing is known"],
)
def test_who_would_gain_little_stays(seats, bound, monkeypatch, idle, luck):
    monkeypatch.setattr("random.sample", lambda cpus, _: cpus)
    chance(monkeypatch, luck)
    seats[0].settle()
    seats[0].look(idle)
    assert (seats[0].cpu, bound) == (3, [3])


def test_nobody_moves_to_where_a_sibling_sits(seats, bound, monkeypatch):
    chance(monkeypatch, 0.4)
    first, second, _ = seats
    first.settle()
    second.settle()
    first.look({first.cpu: 0.0, second.cpu: 0.9})
    assert first.cpu != second.cpu
    assert len(bound) == 2


def test_who_may_not_is_left_to_the_kernel_and_says_so(seats, monkeypatch, logged):
    def refuse(_cpu: int) -> None:
        raise PermissionError("sched_setaffinity")

    monkeypatch.setattr(cpu_affinity, "bind_threads", refuse)
    seats[0].settle()
    assert seats[0].cpu is None
    assert [entry["event"] for entry in logged] == ["this process can't keep to one CPU"]


def test_the_idlest_is_the_first_choice():
    assert better_cpus({0: 0.0, 1: 0.6, 2: 0.9, 3: 0.4}, 0) == [2, 1]
    assert better_cpus({1: 0.9}, None) == []
