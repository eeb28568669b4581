"""What each step asks of MongoDB and Redis, counted: figures that no machine changes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import kombu.pools
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database
from redis import Redis
from redis.connection import AbstractConnection

from shared.cache import LeaseCache
from shared.cpu_idle import SpareCpu
from shared.notices import FinishedOrders
from shared.queue import announce_orders, make_celery
from shared.services.decide_orders import OrderDecider
from shared.store.connection import Document, connect
from shared.turns import Turns
from tests.builders import a_line, a_product, an_order, an_order_id, bearer, settings
from tests.integration.conftest import client_on
from tests.mongo import CommandCounter, decide_now, put_orders, put_products
from tests.standing_clock import standing_clock


class RedisCounter:
    """Counts what is sent to any Redis; a pipeline counts once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent = 0
        send = AbstractConnection.send_packed_command

        def counting(connection: AbstractConnection, *args: object, **kwargs: object) -> None:
            self.sent += 1
            send(connection, *args, **kwargs)

        monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)

    @contextmanager
    def counting(self) -> Iterator["RedisCounter"]:
        self.sent = 0
        yield self


@pytest.fixture
def to_redis(monkeypatch: pytest.MonkeyPatch) -> RedisCounter:
    return RedisCounter(monkeypatch)


@pytest.fixture
def to_mongo() -> CommandCounter:
    return CommandCounter()


@pytest.fixture
def counted(database: Database[Document], mongo_url: str, to_mongo: CommandCounter) -> Iterator[Database[Document]]:  # noqa: ARG001 - made, and dropped
    """The database of the test, counted."""
    counted = connect(mongo_url, timeout_milliseconds=20_000, listeners=[to_mongo])
    yield counted
    counted.client.close()


@pytest.fixture
def api(
    app: Flask, counted: Database[Document], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    with client_on(app, counted, redis, monkeypatch) as client:
        yield client


def place(api: FlaskClient) -> str:
    response = api.post("/v1/orders", json={"items": [{"sku": "MUG", "quantity": 1}]}, headers=bearer())
    assert response.status_code == 202
    return str(response.json["id"])


def test_an_accepted_order_is_one_insert_and_asks_nothing_of_redis(api, to_mongo, to_redis):
    place(api)  # leases permits of the rate limit for those that follow
    with to_mongo.counting() as commands, to_redis.counting():
        place(api)
    assert (commands, to_redis.sent) == ({"insert": 1}, 0)


@pytest.mark.parametrize("status", ["pending", "confirmed"])
def test_a_poll_is_one_find_and_asks_nothing_of_redis(api, database, to_mongo, to_redis, status):
    put_products(database, a_product("MUG"))
    order_id = place(api)
    if status == "confirmed":
        decide_now(database, [order_id])
    api.get(f"/v1/orders/{order_id}", headers=bearer())
    with to_mongo.counting() as commands, to_redis.counting():
        assert api.get(f"/v1/orders/{order_id}", headers=bearer()).json["status"] == status
    assert (commands, to_redis.sent) == ({"find": 1}, 0)


def test_a_cached_read_asks_nobody_and_redis_once_when_the_copies_have_grown_old(
    api, database, to_mongo, to_redis, monkeypatch
):
    put_products(database, a_product("MUG"))
    clock = standing_clock(monkeypatch)
    for _ in range(3):  # fills the cache, makes a copy, and asks once more: Redis has the scripts then
        api.get("/v1/products/MUG")
        clock.seconds += 1
    api.get("/v1/products/MUG")
    with to_mongo.counting() as commands, to_redis.counting():
        for _ in range(10):
            assert api.get("/v1/products/MUG").headers["X-Cache"] == "hit"
    assert (commands, to_redis.sent) == ({}, 0)
    clock.seconds += 1
    with to_mongo.counting() as commands, to_redis.counting():
        for _ in range(10):
            assert api.get("/v1/products/MUG").headers["X-Cache"] == "hit"
    assert (commands, to_redis.sent) == ({}, 1)


@pytest.mark.parametrize(("orders", "transactions"), [(1, 1), (199, 1), (200, 2), (1_000, 2)])
def test_a_batch_is_read_at_once_and_each_of_its_transactions_costs_the_same_however_many_it_decides(
    database: Database[Document],
    counted: Database[Document],
    product_cache: LeaseCache,
    redis: Redis,
    to_mongo: CommandCounter,
    to_redis: RedisCounter,
    orders: int,
    transactions: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SpareCpu, "is_there", lambda _: True)
    decider = OrderDecider(counted, product_cache, FinishedOrders(redis), Turns(redis), settings())
    put_products(database, *(a_product(f"SKU-{n}", stock=1_000) for n in range(20)))
    decider.decide(put_orders(database, an_order(a_line("SKU-0", 1))))  # Redis has the scripts then
    for connection in [redis.connection_pool.get_connection() for _ in range(transactions)]:
        redis.connection_pool.release(connection)
    order_ids = put_orders(database, *(an_order(a_line(f"SKU-{n % 20}", 1)) for n in range(orders)))
    with to_mongo.counting() as commands, to_redis.counting():
        decider.decide(order_ids)
    decider.close(10)
    # All orders are read; then products are read, products, orders and ledger written, and that is committed.
    each = {"find": 1, "update": 2, "insert": 1, "commitTransaction": 1}
    assert commands == Counter({"find": 1}) + Counter({name: transactions * count for name, count in each.items()})
    # Readers are warned, the entries closed, and opened again; those who wait for the orders are told.
    assert to_redis.sent == 4 * transactions


def test_an_announcement_costs_the_broker_the_same_for_one_order_and_for_five_hundred(
    broker_url: str, to_redis: RedisCounter
) -> None:
    celery = make_celery(settings(redis_broker_url=broker_url))
    announce_orders(celery, [an_order_id()])  # connects

    def cost_of(orders: int) -> int:
        with to_redis.counting():
            announce_orders(celery, [an_order_id() for _ in range(orders)])
        return to_redis.sent

    assert cost_of(1) == cost_of(500) > 0
    kombu.pools.reset()  # not the app's alone: it would stay closed for the next test on a broker of this address
