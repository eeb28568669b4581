"""Redis down or hanging: rate limits go on in each process at once, and in Redis again when it is back."""

import time
from collections import Counter
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

import httpx
import pytest
from redis import Redis

from local.servers import Server
from tests.stack import Stack, wait_until

ORDER = {"items": [{"sku": "MUG", "quantity": 1}]}
REQUESTS = 40


def place(client: httpx.Client) -> int:
    return client.post("/v1/orders", json=ORDER).status_code


@pytest.mark.parametrize("fault", ["killed", "hanging"])
def test_the_limit_goes_on_from_where_it_was_without_holding_requests_up(
    stack: Stack, redis_cache: Server, fault: str
) -> None:
    stack.environment |= {"RATE_LIMIT_ORDERS": "20/day", "API_PROCESSES": "1"}
    stack.start_api()
    with stack.client() as client:
        assert [place(client) for _ in range(5)] == [202] * 5

        redis_cache.kill() if fault == "killed" else redis_cache.pause()
        began = time.monotonic()
        assert Counter(place(client) for _ in range(REQUESTS)) == {202: 15, 429: REQUESTS - 15}
        assert time.monotonic() - began < REQUESTS * 0.25, "one of them waits for Redis, not each"
        assert stack.database.orders.count_documents({}) == 20

        redis_cache.start() if fault == "killed" else redis_cache.resume()
        wait_until(lambda: redis_counts(stack, redis_cache), "Redis to count again")
        assert place(client) == 429


def test_while_redis_hangs_the_log_says_so_once_a_second(stack: Stack, redis_cache: Server) -> None:
    stack.environment["API_PROCESSES"] = "1"  # each of them has a line a second
    stack.start_api()
    redis_cache.pause()
    for number in count():
        with stack.client(f"buyer-{number}") as client:
            assert place(client) == 202
        if len(times := outages_logged(stack)) == 3:
            break
    redis_cache.resume()
    assert min(later - earlier for earlier, later in pairwise(times)) > timedelta(seconds=0.99)


def redis_counts(stack: Stack, redis_cache: Server) -> bool:
    """Whether a caller who was never seen before gets a counter."""
    with Redis.from_url(redis_cache.url) as client, stack.client(f"new-{time.monotonic()}") as caller:
        before: Any = client.keys("rate-limit:*")
        assert place(caller) == 202
        return len(client.keys("rate-limit:*")) > len(before)


def outages_logged(stack: Stack) -> list[datetime]:
    lines = [line for line in stack.log_entries("api") if "rate limits count in this process" in line["event"]]
    return [datetime.fromisoformat(line["timestamp"]) for line in lines]
