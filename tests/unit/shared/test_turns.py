"""Turns: one at a time has it, and nobody waits for ever or fails without Redis."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import fakeredis
import pytest

from shared.turns import BATCHES, NAME, Turns


@pytest.fixture
def process(redis_server: fakeredis.FakeServer) -> Callable[[], Turns]:
    """Each has met a conflict."""

    def process() -> Turns:
        turns = Turns(fakeredis.FakeRedis(server=redis_server))
        turns.met_conflict()
        return turns

    return process


def test_who_has_met_no_conflict_asks_nobody(redis_server):
    turns = Turns(fakeredis.FakeRedis(server=redis_server))
    redis_server.connected = False
    with turns.turn():
        pass


def test_one_at_a_time_has_the_turn(process):
    one, other = process(), process()
    in_turn, over = threading.Event(), threading.Event()

    def take() -> bool:
        with other.turn():
            in_turn.set()
            return over.is_set()

    with ThreadPoolExecutor(1) as pool:
        with one.turn():
            taken = pool.submit(take)
            assert not in_turn.wait(0.05)
            over.set()
        assert taken.result(10)


def test_after_some_batches_it_is_found_out_whether_there_still_are_conflicts(process, redis):
    turns = process()
    had = []
    for _ in range(BATCHES + 1):
        with turns.turn():
            had.append(redis.exists(NAME))
    assert had == [1] * BATCHES + [0]


def test_nobody_waits_for_ever_for_one_that_has_died(process, redis, monkeypatch):
    monkeypatch.setattr("shared.turns.TURN_SECONDS", 0.1)
    redis.set(NAME, "of the dead")
    with process().turn():
        assert redis.get(NAME) == b"of the dead"


def test_the_turn_of_one_that_has_died_ends(process, redis, monkeypatch):
    monkeypatch.setattr("shared.turns.TURN_SECONDS", 0.1)
    dead = process().turn()
    dead.__enter__()
    assert 0 < redis.pttl(NAME) <= 100


def test_a_turn_that_took_too_long_ends_nobody_elses(process, redis):
    with process().turn():
        redis.set(NAME, "of another")
    assert redis.get(NAME) == b"of another"


def test_without_redis_all_go_on(process, redis_server):
    turns = process()
    redis_server.connected = False
    with turns.turn():
        pass


def test_without_redis_it_is_not_asked_at_each_batch(process, redis_server):
    turns = process()
    redis_server.connected = False
    with turns.turn():
        pass
    redis_server.connected = True
    with turns.turn():
        assert not fakeredis.FakeRedis(server=redis_server).exists(NAME)


def test_what_is_raised_in_a_turn_ends_it(process, redis):
    with pytest.raises(KeyError), process().turn():
        raise KeyError
    assert not redis.exists(NAME)
