"""The lease cache on a fake Redis and a fake clock: every interleaving is staged inside a loader or a wait."""

from collections.abc import Callable
from threading import Event, Thread
from threading import enumerate as threads

import fakeredis
import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from shared.cache import (
    BUDGET_SECONDS,
    LEASE_MILLISECONDS,
    PAUSE_SECONDS,
    TAKE_OVER_MILLISECONDS,
    LeaseCache,
    make_product_cache,
)
from shared.domain.errors import ProductNotFound, Unavailable
from shared.local_copies import Entry
from shared.metrics import CACHE_FILLS_REFUSED
from tests.builders import settings
from tests.standing_clock import StandingClock, standing_clock

OLD, NEW = Entry("v1", b'{"stock":1}'), Entry("v2", b'{"stock":0}')


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> StandingClock:
    return standing_clock(monkeypatch)


@pytest.fixture
def cache(redis) -> LeaseCache:
    return LeaseCache(redis, prefix="product", ttl_seconds=30)


@pytest.fixture
def age_lease(redis) -> Callable[[], None]:
    """Makes the lease of the key as old as it must be to be taken over."""

    def age() -> None:
        assert redis.hkeys("product:a") == [b"lease"]
        redis.pexpire("product:a", LEASE_MILLISECONDS - TAKE_OVER_MILLISECONDS)

    return age


def change(cache: LeaseCache, *keys: str) -> None:
    """As whoever changes them in MongoDB does."""
    with cache.changing() as warn:
        warn(keys)()


def never(_: float) -> Entry:
    raise AssertionError("must come from the cache")


def test_the_first_read_loads_and_the_second_one_hits(cache):
    assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_keys_are_apart(cache):
    cache.get_or_load("a", lambda _: OLD)
    assert cache.get_or_load("b", lambda _: NEW) == (NEW, False)


def test_caches_with_other_prefixes_are_apart(cache, redis):
    cache.get_or_load("a", lambda _: OLD)
    assert LeaseCache(redis, prefix="other", ttl_seconds=30).get_or_load("a", lambda _: NEW) == (NEW, False)


def test_an_invalidated_key_is_loaded_again(cache):
    cache.get_or_load("a", lambda _: OLD)
    cache.get_or_load("b", lambda _: OLD)
    change(cache, "a")
    assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert cache.get_or_load("b", never) == (OLD, True)


def test_a_read_from_before_an_invalidation_is_not_cached(cache):
    def read_while_it_changes(_: float) -> Entry:
        change(cache, "a")
        return OLD

    assert cache.get_or_load("a", read_while_it_changes) == (OLD, False)
    assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)


def test_a_slow_reader_does_not_put_an_old_value_over_a_new_one(cache):
    def read_while_it_changes(_: float) -> Entry:
        change(cache, "a")
        assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
        return OLD

    cache.get_or_load("a", read_while_it_changes)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_a_reader_that_finds_a_lease_taken_waits_for_that_fill(cache, clock):
    leased, filled = Event(), Event()

    def load_slowly(_: float) -> Entry:
        leased.set()
        assert filled.wait(5)
        return NEW

    filler = Thread(target=cache.get_or_load, args=("a", load_slowly))
    filler.start()
    assert leased.wait(5)

    def finish_the_fill() -> None:
        filled.set()
        filler.join(5)

    clock.on_sleep = finish_the_fill
    assert cache.get_or_load("a", never) == (NEW, True)


def test_an_old_lease_is_taken_over_and_its_late_fill_refused(cache, age_lease):
    def load_too_slowly(_: float) -> Entry:
        age_lease()
        assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
        return OLD

    assert cache.get_or_load("a", load_too_slowly) == (NEW, False)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_a_lease_that_was_taken_over_is_young_again(cache, age_lease):
    def take_over_and_look(_: float) -> Entry:
        with pytest.raises(Unavailable):
            cache.get_or_load("a", never)
        return NEW

    def load_too_slowly(_: float) -> Entry:
        age_lease()
        return cache.get_or_load("a", take_over_and_look)[0]

    assert cache.get_or_load("a", load_too_slowly) == (NEW, False)


def test_a_reader_that_waits_in_vain_is_told_when_its_budget_is_over(cache, clock):
    def load_longer_than_that(_: float) -> Entry:
        with pytest.raises(Unavailable):
            cache.get_or_load("a", never)
        return NEW

    started = clock.seconds
    cache.get_or_load("a", load_longer_than_that)
    assert clock.seconds - started == pytest.approx(BUDGET_SECONDS)
    assert clock.sleeps[:6] == [0.005, 0.01, 0.02, 0.04, 0.08, 0.08]
    assert max(clock.sleeps) == 0.08


def test_a_load_has_the_time_that_the_waiting_has_left(cache, clock, age_lease):
    given: list[float] = []

    def load(seconds: float) -> Entry:
        given.append(seconds)
        if len(given) == 1:
            clock.on_sleep = lambda: age_lease() if sum(clock.sleeps) > 1 else None
            cache.get_or_load("a", load)
        return NEW

    cache.get_or_load("a", load)
    assert given == pytest.approx([BUDGET_SECONDS, BUDGET_SECONDS - sum(clock.sleeps)])
    assert 0 < given[1] < 0.8


def test_a_reader_that_lost_its_lease_waits_for_the_fill_of_whoever_has_it_now(cache, clock):
    """The other may have read before us: our caller must not see the new value first and then the old one."""
    leased, filled = Event(), Event()

    def read_early_and_fill_late(_: float) -> Entry:
        leased.set()
        assert filled.wait(5)
        return OLD

    other = Thread(target=cache.get_or_load, args=("a", read_early_and_fill_late))

    def read_late(_: float) -> Entry:
        change(cache, "a")
        other.start()
        assert leased.wait(5)
        clock.on_sleep = finish_the_other
        return NEW

    def finish_the_other() -> None:
        filled.set()
        other.join(5)

    assert cache.get_or_load("a", read_late) == (OLD, False)
    assert cache.get_or_load("a", never) == (OLD, True)


def test_a_reader_that_lost_its_lease_does_not_wait_for_those_that_read_after_it(cache, clock, redis):
    def read_and_lose_the_lease(_: float) -> Entry:
        redis.hset("product:a", "lease", "of the next reader")
        return NEW

    clock.on_sleep = lambda: redis.hset("product:a", "lease", "of the one after")
    assert cache.get_or_load("a", read_and_lose_the_lease) == (NEW, False)
    assert len(clock.sleeps) == 1


def test_a_reader_that_lost_its_lease_answers_what_it_read_when_its_budget_is_over(cache, clock, redis):
    def read_and_lose_the_lease(_: float) -> Entry:
        redis.hset("product:a", "lease", "of a reader that hangs")
        clock.seconds += 1
        return NEW

    started = clock.seconds
    assert cache.get_or_load("a", read_and_lose_the_lease) == (NEW, False)
    assert clock.seconds - started == pytest.approx(BUDGET_SECONDS)


def test_a_load_that_raises_gives_its_lease_up_and_caches_nothing(cache, clock, redis):
    def load(_: float) -> Entry:
        raise ProductNotFound("a")

    with pytest.raises(ProductNotFound):
        cache.get_or_load("a", load)
    assert redis.keys("product:*") == []
    assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert clock.sleeps == []


def test_a_load_that_raises_leaves_the_fill_of_whoever_took_its_lease_over(cache, age_lease):
    def load_too_slowly(_: float) -> Entry:
        age_lease()
        cache.get_or_load("a", lambda _: NEW)
        raise ProductNotFound("a")

    with pytest.raises(ProductNotFound):
        cache.get_or_load("a", load_too_slowly)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_an_entry_lives_as_long_as_is_set_less_a_random_tenth_at_most(cache, redis):
    for number in range(50):
        cache.get_or_load(f"a{number}", lambda _: NEW)
    left = [redis.pttl(f"product:a{number}") for number in range(50)]
    assert all(26_500 < milliseconds <= 30_000 for milliseconds in left)
    assert max(left) - min(left) > 500


def test_a_lease_expires_with_a_reader_that_died(cache, redis):
    def look(_: float) -> Entry:
        assert 0 < redis.pttl("product:a") <= LEASE_MILLISECONDS
        return NEW

    cache.get_or_load("a", look)


def test_without_redis_everything_is_loaded(cache, redis_server, logged):
    redis_server.connected = False
    assert cache.get_or_load("a", lambda _: OLD) == (OLD, False)
    assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert [entry["event"] for entry in logged] == ["cache unavailable, reading MongoDB"]


def test_redis_that_failed_is_left_alone_for_a_while_and_then_used_again(cache, clock, redis, redis_server):
    redis_server.connected = False
    cache.get_or_load("a", lambda _: OLD)
    redis_server.connected = True
    cache.get_or_load("a", lambda _: OLD)
    assert redis.keys() == []
    clock.seconds += PAUSE_SECONDS
    cache.get_or_load("a", lambda _: NEW)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_one_reader_tries_whether_redis_is_back_and_the_others_do_not_wait_for_it(
    cache, clock, redis_server, monkeypatch
):
    redis_server.connected = False
    cache.get_or_load("a", lambda _: OLD)
    clock.seconds += PAUSE_SECONDS
    tries = []

    def hang(**_: object) -> None:
        tries.append(1)
        assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
        raise RedisTimeout

    monkeypatch.setattr(cache, "_read_or_lease", hang)
    assert cache.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert len(tries) == 1


def test_a_redis_that_hangs_leaves_the_load_the_rest_of_the_budget(cache, clock, monkeypatch):
    def hang(**_: object) -> None:
        clock.seconds += 1
        raise RedisTimeout

    given: list[float] = []
    monkeypatch.setattr(cache, "_read_or_lease", hang)
    cache.get_or_load("a", lambda seconds: given.append(seconds) or NEW)
    assert given == pytest.approx([BUDGET_SECONDS - 1])


def test_redis_that_fails_between_the_lease_and_the_fill_harms_nobody(cache, redis_server):
    def load(_: float) -> Entry:
        redis_server.connected = False
        return NEW

    assert cache.get_or_load("a", load) == (NEW, False)


def test_what_the_load_raises_is_raised_also_when_redis_fails_meanwhile(cache, redis_server):
    def load(_: float) -> Entry:
        redis_server.connected = False
        raise ProductNotFound("a")

    with pytest.raises(ProductNotFound):
        cache.get_or_load("a", load)


def test_invalidating_without_redis_is_logged_and_raises_nothing(cache, redis_server, logged):
    redis_server.connected = False
    change(cache, "a")
    assert [entry["event"] for entry in logged] == ["cache unavailable, reading MongoDB"]


def test_an_invalidation_that_is_made_up_for_leaves_alone_what_another_writer_has_closed(cache, redis, redis_server):
    with cache.changing() as warn:
        warn(["a"])()
        closed_by = redis.hget("product:a", "lease")
        before = set(threads())
        redis_server.connected = False
        change(cache, "a")
        redis_server.connected = True
        for making_up_for_it in set(threads()) - before:
            making_up_for_it.join(10)
        assert redis.hget("product:a", "lease") == closed_by
    assert not redis.exists("product:a")


def test_a_change_of_nothing_asks_nothing_of_redis(cache, redis_server, logged):
    redis_server.connected = False
    change(cache)
    assert logged == []


def test_products_are_kept_for_the_time_that_the_settings_say(redis: fakeredis.FakeRedis):
    make_product_cache(redis, settings(cache_ttl_seconds=7)).get_or_load("MUG-01", lambda _: NEW)
    assert 6_000 < redis.pttl("product:MUG-01") <= 7_000


def test_each_fill_that_is_refused_is_counted_once(cache, clock, redis):
    before = CACHE_FILLS_REFUSED._value.get()

    def refused() -> float:
        return CACHE_FILLS_REFUSED._value.get() - before

    cache.get_or_load("a", lambda _: OLD)
    assert refused() == 0

    change(cache, "a")
    cache.get_or_load("a", changing_meanwhile(cache))
    assert refused() == 1

    change(cache, "a")
    redis.delete("product:a")

    def load_while_another_takes_over(_: float) -> Entry:
        redis.hset("product:a", "lease", "another")
        redis.pexpire("product:a", LEASE_MILLISECONDS)
        return OLD

    cache.get_or_load("a", load_while_another_takes_over)
    assert clock.sleeps, "it must have asked again and again"
    assert refused() == 2


def changing_meanwhile(cache: LeaseCache) -> Callable[[float], Entry]:
    def load(_: float) -> Entry:
        change(cache, "a")
        return OLD

    return load
