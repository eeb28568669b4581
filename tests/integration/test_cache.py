"""The leases on a real Redis, the races staged step by step."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from shared.cache import LEASE_MILLISECONDS, TAKE_OVER_MILLISECONDS, LeaseCache
from shared.local_copies import GOOD_SECONDS, Entry
from tests.standing_clock import standing_clock

OLD, NEW = Entry("v1", b"old"), Entry("v2", b"new")


def test_a_reader_that_read_before_a_change_can_not_put_the_old_value_back(product_cache: LeaseCache) -> None:
    def load_while_a_writer_commits(_: float) -> Entry:
        change(product_cache)  # after this reader read, before it fills
        return OLD

    assert product_cache.get_or_load("MUG", load_while_a_writer_commits) == (OLD, False)

    assert product_cache.get_or_load("MUG", lambda _: NEW) == (NEW, False)
    assert product_cache.get_or_load("MUG", forbidden) == (NEW, True)


def test_without_a_lease_the_same_race_leaves_the_old_value(redis: Redis) -> None:
    """The counter-proof: get, load, SET lets the late reader win."""

    def get_or_load(load: Callable[[], bytes]) -> bytes:
        cached = redis.get("plain:MUG")
        if isinstance(cached, bytes):
            return cached
        value = load()
        redis.set("plain:MUG", value)
        return value

    def load_while_a_writer_commits() -> bytes:
        redis.delete("plain:MUG")
        return b"old"

    get_or_load(load_while_a_writer_commits)

    assert get_or_load(lambda: b"new") == b"old"


def test_an_old_reader_is_refused_also_when_a_new_one_took_the_lease_after_the_change(
    product_cache: LeaseCache,
) -> None:
    def load_while_another_fills(_: float) -> Entry:
        change(product_cache)
        assert product_cache.get_or_load("MUG", lambda _: NEW) == (NEW, False)
        return OLD

    product_cache.get_or_load("MUG", load_while_another_fills)

    assert product_cache.get_or_load("MUG", forbidden) == (NEW, True)


def test_sixty_four_readers_of_a_cold_key_load_it_once(product_cache: LeaseCache) -> None:
    loads = []

    assert read_at_once(product_cache, lambda _: loads.append(1) or NEW) == {NEW}  # type: ignore[func-returns-value]

    assert len(loads) == 1


def test_a_key_that_takes_long_to_load_is_loaded_once_all_the_same(product_cache: LeaseCache) -> None:
    loads = []

    def load_slowly(*_: float) -> Entry:
        loads.append(1)
        time.sleep(0.6)  # a MongoDB that is slow, but within the age at which a lease may be taken over
        return NEW

    assert read_at_once(product_cache, load_slowly) == {NEW}
    assert len(loads) == 1


def test_the_lease_of_a_reader_that_died_is_taken_over_by_one_of_those_who_wait(
    product_cache: LeaseCache, redis: Redis
) -> None:
    redis.hset("product:MUG", "lease", "of a reader that died")
    redis.pexpire("product:MUG", LEASE_MILLISECONDS)
    loads = []

    assert read_at_once(product_cache, lambda _: loads.append(1) or NEW) == {NEW}  # type: ignore[func-returns-value]

    assert len(loads) == 1


def test_an_emptied_redis_is_filled_again(product_cache: LeaseCache, redis: Redis) -> None:
    product_cache.get_or_load("MUG", lambda _: OLD)
    redis.flushall()
    redis.script_flush()

    assert product_cache.get_or_load("MUG", lambda _: NEW) == (NEW, False)
    assert product_cache.get_or_load("MUG", forbidden) == (NEW, True)


def test_a_redis_that_is_emptied_between_the_lease_and_the_fill_harms_nobody(
    product_cache: LeaseCache, redis: Redis
) -> None:
    def load_while_redis_is_emptied(_: float) -> Entry:
        redis.flushall()
        redis.script_flush()
        return OLD

    assert product_cache.get_or_load("MUG", load_while_redis_is_emptied) == (OLD, False)
    assert product_cache.get_or_load("MUG", lambda _: NEW) == (NEW, False)


def test_between_commit_and_invalidation_no_reader_is_shown_what_was_before(product_cache: LeaseCache) -> None:
    """A reader who has seen the change elsewhere waits for the writer, instead of being shown the old entry."""
    product_cache.get_or_load("MUG", lambda _: OLD)
    committed, answers = threading.Event(), []

    def load(_: float) -> Entry:
        return NEW if committed.is_set() else OLD

    with product_cache.changing() as warn:
        warn(["MUG"])()
        committed.set()
        reader = threading.Thread(target=lambda: answers.append(product_cache.get_or_load("MUG", load)))
        reader.start()
        reader.join(0.2)
        assert answers == [], "it waits"
    reader.join(10)

    assert answers == [(NEW, False)]


def test_a_reader_that_loads_while_a_writer_commits_fills_nothing(product_cache: LeaseCache) -> None:
    """It had its lease before the entry was closed, and read what was before."""

    def load_while_a_writer_commits(_: float) -> Entry:
        with product_cache.changing() as warn:
            warn(["MUG"])()
        return OLD

    product_cache.get_or_load("MUG", load_while_a_writer_commits)

    assert product_cache.get_or_load("MUG", lambda _: NEW) == (NEW, False)


def test_what_another_writer_has_closed_stays_closed(product_cache: LeaseCache, redis: Redis) -> None:
    with product_cache.changing() as warn:
        with product_cache.changing() as warn_first:
            warn_first(["MUG"])()
            warn(["MUG"])()
        assert redis.hexists("product:MUG", "lease")
    assert not redis.exists("product:MUG")


def test_a_change_that_fails_leaves_nothing_closed(product_cache: LeaseCache, redis: Redis) -> None:
    def change_and_fail() -> None:
        with product_cache.changing() as warn:
            warn(["MUG"])()
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        change_and_fail()
    assert not redis.exists("product:MUG")


def test_what_a_dead_writer_closed_is_taken_over(product_cache: LeaseCache) -> None:
    change = product_cache.changing()
    change.__enter__()(["MUG"])()
    started = time.monotonic()

    assert product_cache.get_or_load("MUG", lambda _: NEW) == (NEW, False)
    assert product_cache.get_or_load("MUG", forbidden) == (NEW, True)
    assert time.monotonic() - started >= TAKE_OVER_MILLISECONDS / 1000 - 0.1


def test_hits_are_one_question_in_some_milliseconds_whatever_they_are_of(
    product_cache: LeaseCache, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = standing_clock(monkeypatch)

    def read_all(times: int) -> int:
        """The questions that it took."""
        before = questions(redis)
        for _ in range(times):
            for key in ("MUG", "TEE"):
                assert product_cache.get_or_load(key, lambda _: NEW)[0] == NEW
        return questions(redis) - before

    read_all(2)
    clock.seconds += GOOD_SECONDS
    read_all(1)  # Redis has all scripts now

    assert read_all(100) == 0
    clock.seconds += GOOD_SECONDS
    assert read_all(100) == 1, "for both keys"
    change(product_cache)
    assert read_all(100) == 4, "what was changed, and the lease, the fill and the copy of that"


def change(product_cache: LeaseCache) -> None:
    """As whoever changes it in MongoDB does."""
    with product_cache.changing() as warn:
        warn(["MUG"])()


def read_at_once(product_cache: LeaseCache, load: Callable[[float], Entry]) -> set[Entry]:
    """What 64 readers of one key are answered that ask at the same moment."""
    everyone_is_here = threading.Barrier(64)

    def read(_: int) -> Entry:
        everyone_is_here.wait(30)
        entry, _hit = product_cache.get_or_load("MUG", load)
        return entry

    with ThreadPoolExecutor(64) as pool:
        return set(pool.map(read, range(64)))


def questions(redis: Redis) -> int:
    """Scripts that Redis was asked to run."""
    return int(redis.info("commandstats")["cmdstat_evalsha"]["calls"])


def forbidden(_: float) -> Entry:
    raise AssertionError("it should have been a hit")
