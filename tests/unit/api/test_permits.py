"""Permits on a fake Redis and a fake clock: never more than the limit, few round trips, and the same without Redis."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Thread
from threading import enumerate as enumerate_threads

import fakeredis
import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from api.permit_leases import CLOCK_SKEW_MILLISECONDS
from api.permits import Permits
from tests.stack import wait_until

MINUTE = 60


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def time(self) -> float:
        return self.seconds


class CountingRedis(fakeredis.FakeRedis):
    """Counts round trips, and answers none of them while it is `gone`."""

    round_trips = 0
    gone = False

    def pipeline(self, *args, **kwargs):
        pipeline = super().pipeline(*args, **kwargs)
        pipeline.execute = partial(self.execute, pipeline)
        return pipeline

    def execute(self, pipeline):
        self.round_trips += 1
        if self.gone:
            raise RedisTimeout
        return type(pipeline).execute(pipeline)

    def ping(self, **kwargs):
        if self.gone:
            raise RedisTimeout
        return super().ping(**kwargs)


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("api.permits.time", clock)
    monkeypatch.setattr("api.permit_window.time", clock)
    return clock


@pytest.fixture
def redis(redis_server) -> CountingRedis:
    return CountingRedis(server=redis_server)


@pytest.fixture
def a_process(redis) -> Iterator[Callable[[], Permits]]:
    """Makes the permits of another process."""
    made = []

    def make() -> Permits:
        made.append(Permits(redis))
        return made[-1]

    yield make
    for permits in made:
        permits.close(5)


def take(permits: Permits, times: int = 1, *, key: str = "alice", limit: int, cost: int = 1) -> int:
    """How many of the attempts were let through."""
    return sum(permits.take(key, limit=limit, seconds=MINUTE, cost=cost) for _ in range(times))


def left(permits: Permits, *, limit: int) -> int:
    return permits.left("alice", limit=limit, seconds=MINUTE)[0]


@pytest.mark.parametrize("limit", [1, 2, 5, 63, 64, 100, 999, 6_000])
def test_one_process_lets_exactly_the_limit_through(a_process, limit):
    permits = a_process()
    assert take(permits, limit + 50, limit=limit) == limit
    assert left(permits, limit=limit) == 0


@pytest.mark.parametrize("limit", [1, 5, 63])
def test_a_small_limit_is_exact_over_processes(a_process, limit):
    processes = [a_process() for _ in range(4)]
    assert sum(take(processes[n % 4], limit=limit) for n in range(limit + 20)) == limit


@pytest.mark.parametrize("limit", [64, 100, 6_000, 100_000])
def test_over_processes_no_more_than_the_limit_passes_and_idle_ones_hold_little_back(a_process, limit):
    processes = [a_process() for _ in range(4)]
    passed = sum(take(permits, limit=limit) for permits in processes)
    passed += take(processes[0], limit, limit=limit)
    assert limit - 3 * limit // 32 <= passed <= limit
    passed += sum(take(permits, limit, limit=limit) for permits in processes[1:])
    assert passed == limit, "what the others held was not lost, only theirs"


def test_a_thousand_requests_under_a_generous_limit_cost_six_round_trips(a_process, redis):
    assert take(a_process(), 1_000, limit=6_000) == 1_000
    assert redis.round_trips == 6


def test_refusals_cost_no_round_trip(a_process, redis):
    permits = a_process()
    take(permits, 5, limit=5)
    before = redis.round_trips
    assert take(permits, 1_000, limit=5) == 0
    assert redis.round_trips == before == 5


def test_a_cost_is_spent_whole_or_refused_whole(a_process):
    permits, other = a_process(), a_process()
    assert take(permits, cost=70, limit=100) == 1
    assert take(permits, cost=31, limit=100) == 0
    assert take(other, cost=31, limit=100) == 0
    assert take(other, cost=30, limit=100) == 1
    assert take(permits, limit=100) == take(other, limit=100) == 0


def test_what_counts_for_more_than_the_limit_never_passes_and_takes_nothing(a_process):
    permits = a_process()
    assert take(permits, cost=101, limit=100) == 0
    assert take(permits, 101, limit=100) == 100


def test_keys_do_not_share_permits(a_process):
    permits = a_process()
    assert take(permits, 3, key="alice", limit=2) == 2
    assert take(permits, 3, key="bob", limit=2) == 2


def test_a_new_window_is_full_again_and_the_last_second_of_the_old_one_is_not(a_process, clock):
    permits = a_process()
    assert take(permits, 10, limit=5) == 5
    _, ends = permits.left("alice", limit=5, seconds=MINUTE)
    assert clock.seconds < ends <= clock.seconds + MINUTE
    clock.seconds = ends - 0.001
    assert take(permits, 10, limit=5) == 0
    clock.seconds = ends
    assert take(permits, 10, limit=5) == 5


def test_windows_of_different_callers_do_not_all_end_at_once(a_process):
    permits = a_process()
    ends = {permits.left(f"caller-{n}", limit=5, seconds=MINUTE)[1] for n in range(100)}
    assert len(ends) > 90
    assert max(ends) - min(ends) > 50


def test_a_clock_that_is_set_back_holds_nobody_up(a_process, clock):
    permits = a_process()
    take(permits, 5, limit=5)
    clock.seconds -= 86_400
    assert take(permits, 10, limit=5) == 5


def test_counters_live_a_minute_longer_than_their_window(a_process, redis, clock):
    permits = a_process()
    take(permits, limit=5)
    [counter] = redis.keys()
    _, ends = permits.left("alice", limit=5, seconds=MINUTE)
    expected = (ends - clock.seconds) * 1000 + CLOCK_SKEW_MILLISECONDS
    assert expected - 5_000 < redis.pttl(counter) <= expected


def test_windows_that_are_over_are_forgotten(a_process, clock):
    permits = a_process()
    for n in range(500):
        take(permits, key=f"caller-{n}", limit=5)
    assert len(permits._windows) == 500
    clock.seconds += 2 * MINUTE
    take(permits, limit=5)
    assert len(permits._windows) == 1


def test_however_many_callers_there_are_the_memory_is_bounded_and_the_limit_holds(a_process, monkeypatch):
    monkeypatch.setattr("api.permits.WINDOWS_MAX", 100)
    permits = a_process()
    assert take(permits, 3, limit=5) == 3
    for n in range(300):
        take(permits, key=f"caller-{n}", limit=5)
    assert len(permits._windows) == 100
    assert take(permits, 5, limit=5) == 2, "Redis knew of the three"


@pytest.fixture
def held(monkeypatch) -> tuple[Event, Event]:
    """The first is set when a round trip has begun; it ends when the test sets the second."""
    begun, go_on, execute = Event(), Event(), CountingRedis.execute

    def execute_later(self, pipeline):
        begun.set()
        go_on.wait(20)
        return execute(self, pipeline)

    monkeypatch.setattr(CountingRedis, "execute", execute_later)
    return begun, go_on


def test_threads_that_ask_side_by_side_share_round_trips(a_process, redis, held):
    permits = a_process()
    threads = [Thread(target=take, args=(permits,), kwargs={"key": f"k{n}", "limit": 5}) for n in range(50)]
    begun, go_on = held
    threads[0].start()
    assert begun.wait(20)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(permits._leases._asks._waiting) == 49, "all but the first to gather")
    go_on.set()
    for thread in threads:
        thread.join()
    assert redis.round_trips == 2


@pytest.fixture
def probing_at_once(monkeypatch) -> None:
    monkeypatch.setattr("api.permit_leases.PROBE_SECONDS", 0.0)


def probes() -> list[Thread]:
    return [thread for thread in enumerate_threads() if thread.name == "rate-limit-probe"]


def is_back(permits) -> bool:
    return not permits._leases._redis_away


def test_the_limit_goes_on_in_the_process(a_process, redis):
    redis.gone = True
    permits = a_process()
    assert take(permits, 10, limit=5) == 5


def test_it_goes_on_from_what_was_last_known(a_process, redis):
    permits, other = a_process(), a_process()
    assert take(other, 4, limit=10) == 4
    assert take(permits, 3, limit=10) == 3
    redis.gone = True
    assert take(permits, 10, limit=10) == 3, "seven are spent, as Redis said"


def test_requests_do_not_wait_for_a_redis_that_is_away(a_process, redis):
    redis.gone = True
    permits = a_process()
    take(permits, 100, limit=1_000)
    assert redis.round_trips == 1


def test_it_is_logged_at_most_once_a_second(a_process, redis, logged):
    redis.gone = True
    permits = a_process()
    take(permits, 100, limit=1_000)
    wait_until(lambda: not probes(), "the probe to end")
    assert [entry["event"] for entry in logged] == ["Redis unavailable, rate limits count in this process alone"]


@pytest.mark.usefixtures("probing_at_once")
def test_when_redis_is_back_it_is_asked_again_and_told_what_was_handed_out(a_process, redis):
    permits, other = a_process(), a_process()
    redis.gone = True
    assert take(permits, 4, limit=10) == 4
    redis.gone = False
    take(permits, limit=10)
    wait_until(lambda: is_back(permits), "a probe to find Redis")
    assert take(permits, limit=10) == 1
    assert take(other, 10, limit=10) == 4, "six are spent"
    assert take(permits, 10, limit=10) == 0


@pytest.mark.usefixtures("probing_at_once")
def test_a_redis_that_was_emptied_is_a_fresh_window_and_nothing_worse(a_process, redis):
    permits, other = a_process(), a_process()
    assert take(permits, 10, limit=5) == 5
    redis.flushall()
    assert take(permits, 10, limit=5) == 0
    assert take(other, 10, limit=5) == 5


def test_a_lease_that_redis_refuses_to_count_is_as_if_it_was_away(a_process, redis):
    """Such as OOM, or READONLY after a failover: an answer, but an error."""
    permits = a_process()
    take(permits, limit=5)
    [counter] = redis.keys()
    redis.set(counter, "no number")
    assert take(permits, 10, limit=5) == 4
    assert left(permits, limit=5) == 0


def test_after_it_was_closed_a_process_still_counts(a_process):
    permits = a_process()
    permits.close(5)
    assert take(permits, 10, limit=5) == 5
