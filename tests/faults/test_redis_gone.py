"""Without Redis orders are still accepted and read; they are decided once it is back, even if it comes back empty."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from redis import Redis

from local.servers import Server
from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products
from tests.rush import Purchase, poll, read_at_once, rush
from tests.stack import Stack, wait_until


@pytest.mark.parametrize("fault", ["killed", "hanging"])
def test_orders_accepted_without_a_broker_are_decided_when_it_is_back(
    stack: Stack, redis_broker: Server, fault: str
) -> None:
    put_products(stack.database, a_product("MUG", stock=30))
    stack.start_api()
    stack.start_worker()
    stack.start_beat()
    redis_broker.kill() if fault == "killed" else redis_broker.pause()

    answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(40)])
    assert {answer.status_code for answer in answers} == {202}

    redis_broker.start() if fault == "killed" else redis_broker.resume()
    orders = poll(stack.url, stack.token(), [answer.json()["id"] for answer in answers])
    assert sorted(order["status"] for order in orders) == ["confirmed"] * 30 + ["rejected"] * 10
    assert_ledger_true(stack.database)


def test_an_emptied_broker_loses_no_order(stack: Stack, redis_broker: Server) -> None:
    put_products(stack.database, a_product("MUG", stock=100))
    stack.start_api()
    answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(50)])
    with Redis.from_url(redis_broker.url) as client:
        client.flushall()

    stack.start_worker()
    stack.start_beat()

    orders = poll(stack.url, stack.token(), [answer.json()["id"] for answer in answers])
    assert {order["status"] for order in orders} == {"confirmed"}
    assert_ledger_true(stack.database)


@pytest.mark.parametrize("fault", ["killed", "hanging"])
def test_products_are_read_from_mongodb_without_a_cache_and_from_the_cache_when_it_is_back(
    stack: Stack, redis_cache: Server, fault: str
) -> None:
    put_products(stack.database, a_product("MUG", stock=3))
    stack.start_api()
    with stack.client() as client:
        assert [client.get("/v1/products/MUG").headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]

        redis_cache.kill() if fault == "killed" else redis_cache.pause()
        wait_until(lambda: client.get("/v1/products/MUG").headers["X-Cache"] == "miss", "the copies to end")
        answer = client.get("/v1/products/MUG")
        assert (answer.status_code, answer.headers["X-Cache"], answer.json()["stock"]) == (200, "miss", 3)
        health = client.get("/readyz")
        assert (health.status_code, health.json()["checks"]["redis_cache"]) == (200, {"state": "down"})

        redis_cache.start() if fault == "killed" else redis_cache.resume()
        wait_until(lambda: client.get("/v1/products/MUG").headers["X-Cache"] == "hit", "the cache to be used again")


def test_while_redis_hangs_products_are_read_and_the_log_says_so_once_a_second(
    stack: Stack, redis_cache: Server
) -> None:
    put_products(stack.database, a_product("MUG", stock=3))
    stack.environment["API_PROCESSES"] = "1"  # each of them has a line a second
    stack.start_api()
    redis_cache.pause()

    answers = []
    while len(times := outages_logged(stack)) < 3:
        answers += read_at_once(stack.url, "/v1/products/MUG", readers=16)
    redis_cache.resume()

    assert {(answer.status_code, answer.headers["X-Cache"], answer.json()["stock"]) for answer in answers} == {
        (200, "miss", 3)
    }
    assert min(later - earlier for earlier, later in pairwise(times)) > timedelta(seconds=0.99)
    with stack.client() as client:
        wait_until(lambda: client.get("/v1/products/MUG").headers["X-Cache"] == "hit", "the cache to be used again")


def outages_logged(stack: Stack) -> list[datetime]:
    lines = [line for line in stack.log_entries("api") if "cache unavailable" in line["event"]]
    return [datetime.fromisoformat(line["timestamp"]) for line in lines]


def test_what_was_cached_before_a_change_does_not_come_back_with_a_redis_that_hung(
    stack: Stack, redis_cache: Server
) -> None:
    """Changed by hand and by sales while Redis hung: once it goes on, nothing from before is shown."""
    stack.start_api()
    stack.start_worker()
    skus = [f"MUG-{n}" for n in range(6)]
    put_products(stack.database, *(a_product(sku, stock=5) for sku in skus))
    with stack.client() as client:
        for sku in skus:
            assert client.get(f"/v1/products/{sku}").json()["stock"] == 5
        redis_cache.pause()
        for sku in skus[:3]:
            adjusted = client.post(f"/v1/products/{sku}/stock-adjustments", json={"delta": -1, "reason": "x"})
            assert adjusted.status_code == 201
        placed = [client.post(f"/v1/products/{sku}/purchase", json={"quantity": 1}) for sku in skus[3:]]
        for order in placed:
            address = order.headers["Location"]
            wait_until(lambda address=address: client.get(address).json()["status"] == "confirmed", "the sale")
        redis_cache.resume()

        def all_are_right_and_cached() -> bool:
            answers = [client.get(f"/v1/products/{sku}") for sku in skus for _ in range(4)]
            return all(answer.json()["stock"] == 4 and answer.headers["X-Cache"] == "hit" for answer in answers)

        # Far below the 30 s for which an entry lives.
        wait_until(all_are_right_and_cached, "the cache to be right", limit=10)
