"""The lease cache on a fake Redis and a fake clock: every interleaving is staged inside a loader or a wait."""

from collections.abc import Callable
from threading import Event, Thread

import fakeredis
import pytest

from shared.cache import LEASE_MILLISECONDS, PAUSE_SECONDS, WAIT_SECONDS, Entry, LeaseCache, make_product_cache
from shared.domain.errors import ProductNotFound
from tests.builders import settings

OLD, NEW = Entry("v1", b'{"stock":1}'), Entry("v2", b'{"stock":0}')


class Clock:
    """Stands in for the module `time`: sleeping moves the time on and calls `on_sleep`."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept = 0.0
        self.on_sleep: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.slept += seconds
        self.on_sleep()


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("shared.cache.time", clock)
    return clock


@pytest.fixture
def cache(redis) -> LeaseCache:
    return LeaseCache(redis, prefix="product", ttl_seconds=30)


def never() -> Entry:
    raise AssertionError("must come from the cache")


def test_the_first_read_loads_and_the_second_one_hits(cache):
    assert cache.get_or_load("a", lambda: NEW) == (NEW, False)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_keys_are_apart(cache):
    cache.get_or_load("a", lambda: OLD)
    assert cache.get_or_load("b", lambda: NEW) == (NEW, False)


def test_caches_with_other_prefixes_are_apart(cache, redis):
    cache.get_or_load("a", lambda: OLD)
    assert LeaseCache(redis, prefix="other", ttl_seconds=30).get_or_load("a", lambda: NEW) == (NEW, False)


def test_an_invalidated_key_is_loaded_again(cache):
    cache.get_or_load("a", lambda: OLD)
    cache.get_or_load("b", lambda: OLD)
    cache.invalidate(["a"])
    assert cache.get_or_load("a", lambda: NEW) == (NEW, False)
    assert cache.get_or_load("b", never) == (OLD, True)


def test_a_read_from_before_an_invalidation_is_not_cached(cache):
    def read_while_it_changes() -> Entry:
        cache.invalidate(["a"])
        return OLD

    assert cache.get_or_load("a", read_while_it_changes) == (OLD, False)
    assert cache.get_or_load("a", lambda: NEW) == (NEW, False)


def test_a_slow_reader_does_not_put_an_old_value_over_a_new_one(cache):
    def read_while_it_changes() -> Entry:
        cache.invalidate(["a"])
        assert cache.get_or_load("a", lambda: NEW) == (NEW, False)
        return OLD

    cache.get_or_load("a", read_while_it_changes)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_a_reader_that_finds_a_lease_taken_waits_for_that_fill(cache, clock):
    leased, filled = Event(), Event()

    def load_slowly() -> Entry:
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


def test_a_lease_that_is_not_filled_in_time_is_taken_over_and_its_late_fill_refused(cache, clock):
    def load_too_slowly() -> Entry:
        assert cache.get_or_load("a", lambda: NEW) == (NEW, False)
        return OLD

    cache.get_or_load("a", load_too_slowly)
    assert clock.slept == pytest.approx(WAIT_SECONDS, abs=0.02)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_a_load_that_raises_gives_its_lease_up_and_caches_nothing(cache, clock, redis):
    def load() -> Entry:
        raise ProductNotFound("a")

    with pytest.raises(ProductNotFound):
        cache.get_or_load("a", load)
    assert redis.keys() == []
    assert cache.get_or_load("a", lambda: NEW) == (NEW, False)
    assert clock.slept == 0


def test_a_load_that_raises_leaves_the_fill_of_whoever_took_its_lease_over(cache):
    def load_too_slowly() -> Entry:
        cache.get_or_load("a", lambda: NEW)
        raise ProductNotFound("a")

    with pytest.raises(ProductNotFound):
        cache.get_or_load("a", load_too_slowly)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_an_entry_lives_as_long_as_is_set_less_a_random_tenth_at_most(cache, redis):
    for number in range(50):
        cache.get_or_load(f"a{number}", lambda: NEW)
    left = [redis.pttl(f"product:a{number}") for number in range(50)]
    assert all(26_500 < milliseconds <= 30_000 for milliseconds in left)
    assert max(left) - min(left) > 500


def test_a_lease_expires_with_a_reader_that_died(cache, redis):
    def look() -> Entry:
        assert 0 < redis.pttl("product:a") <= LEASE_MILLISECONDS
        return NEW

    cache.get_or_load("a", look)


def test_without_redis_everything_is_loaded(cache, redis_server, logged):
    redis_server.connected = False
    assert cache.get_or_load("a", lambda: OLD) == (OLD, False)
    assert cache.get_or_load("a", lambda: NEW) == (NEW, False)
    assert [entry["event"] for entry in logged] == ["cache unavailable, reading MongoDB"]


def test_redis_that_failed_is_left_alone_for_a_while_and_then_used_again(cache, clock, redis, redis_server):
    redis_server.connected = False
    cache.get_or_load("a", lambda: OLD)
    redis_server.connected = True
    cache.get_or_load("a", lambda: OLD)
    assert redis.keys() == []
    clock.seconds += PAUSE_SECONDS
    cache.get_or_load("a", lambda: NEW)
    assert cache.get_or_load("a", never) == (NEW, True)


def test_redis_that_fails_between_the_lease_and_the_fill_harms_nobody(cache, redis_server):
    def load() -> Entry:
        redis_server.connected = False
        return NEW

    assert cache.get_or_load("a", load) == (NEW, False)


def test_what_the_load_raises_is_raised_also_when_redis_fails_meanwhile(cache, redis_server):
    def load() -> Entry:
        redis_server.connected = False
        raise ProductNotFound("a")

    with pytest.raises(ProductNotFound):
        cache.get_or_load("a", load)


def test_invalidating_without_redis_is_logged_and_raises_nothing(cache, redis_server, logged):
    redis_server.connected = False
    cache.invalidate(["a"])
    assert [entry["event"] for entry in logged] == ["cache unavailable, reading MongoDB"]


def test_invalidating_nothing_asks_nothing_of_redis(cache, redis_server, logged):
    redis_server.connected = False
    cache.invalidate([])
    assert logged == []


def test_products_are_kept_for_the_time_that_the_settings_say(redis: fakeredis.FakeRedis):
    make_product_cache(redis, settings(cache_ttl_seconds=7)).get_or_load("MUG-01", lambda: NEW)
    assert 6_000 < redis.pttl("product:MUG-01") <= 7_000
