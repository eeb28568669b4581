"""What Redis did not take: a process that ends waits until it has, and not for longer than it was told."""

import threading
from collections import Counter
from collections.abc import Collection

from redis import RedisError

from shared.owed_invalidations import OwedInvalidations


def test_it_waits_until_redis_takes_it():
    is_back = threading.Event()

    def invalidate(_: Collection[str]) -> None:
        if not is_back.is_set():
            raise RedisError

    owed = OwedInvalidations(invalidate, ttl_seconds=60)
    assert owed.wait_until_settled(0)
    owed.add(["product:MUG"])
    assert not owed.wait_until_settled(0.01)
    is_back.set()
    assert owed.wait_until_settled(30)
    assert not owed


def test_what_does_not_settle_is_invalidated_again_and_again_until_its_time_is_over(monkeypatch):
    monkeypatch.setattr("shared.owed_invalidations.EVERY_SECONDS", 0.01)
    monkeypatch.setattr("shared.owed_invalidations.AT_ONCE", 2)
    times: Counter[str] = Counter()
    doubted = OwedInvalidations(times.update, ttl_seconds=0.5, settles=False)
    doubted.add(["a", "b", "c"])
    assert doubted.wait_until_settled(30)
    assert min(times[name] for name in "abc") >= 2
