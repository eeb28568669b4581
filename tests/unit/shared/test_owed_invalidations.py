"""What Redis did not take: a process that ends waits until it has, and not for longer than it was told."""

import threading
from collections.abc import Collection

from redis import RedisError

from shared.owed_invalidations import OwedInvalidations, nothing_is_owed


def test_it_waits_until_redis_takes_it(monkeypatch):
    monkeypatch.setattr("shared.owed_invalidations.THREAD", "owed by this test alone")
    assert nothing_is_owed(within_seconds=0)
    is_back = threading.Event()

    def invalidate(_: Collection[str]) -> None:
        if not is_back.is_set():
            raise RedisError

    owed = OwedInvalidations(invalidate, ttl_seconds=60)
    owed.add(["product:MUG"])
    assert not nothing_is_owed(within_seconds=0.01)
    is_back.set()
    assert nothing_is_owed(within_seconds=30)
    assert not owed
