"""A bad network between the processes and their servers: no request hangs, and all is well when it is good again."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from pymongo.uri_parser import parse_uri

from local.servers import Server
from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products, stock_of
from tests.stack import Stack, statuses, wait_until
from tests.toxic_proxy import (
    Connection,
    ToxicProxy,
    Way,
    answer_lost,
    cut_after,
    delayed,
    half_closed,
    swallowed,
    toxic_proxy,
)

ORDERS = 24
STOCK = 20

ANSWER_SECONDS_MAX = 10
"""Of any request; the limits of the product are two seconds, the rest is for a busy machine."""

WORKER_DEAF_SECONDS_MAX = 60
"""A worker whose question for messages gets no answer, and no error, asks again after 11 seconds (kombu's
`brpop_timeout + 2 * health_check_interval`); the rest is for a busy machine."""


def refused_and_cut(proxy: ToxicProxy) -> None:
    proxy.refuse()
    proxy.cut()


def cut_in_the_middle(proxy: ToxicProxy) -> None:
    proxy.toxic = cut_after(150)
    proxy.cut()


def delay(proxy: ToxicProxy) -> None:
    proxy.toxic = delayed(0.1)


def half_close_to_server(proxy: ToxicProxy) -> None:
    proxy.toxic = half_closed(Way.TO_SERVER)


def half_close_from_server(proxy: ToxicProxy) -> None:
    proxy.toxic = half_closed(Way.FROM_SERVER)


def swallow_requests(proxy: ToxicProxy) -> None:
    proxy.toxic = swallowed(Way.TO_SERVER)


def swallow_answers(proxy: ToxicProxy) -> None:
    proxy.toxic = swallowed(Way.FROM_SERVER)


TOXICS = [
    ToxicProxy.cut,
    refused_and_cut,
    cut_in_the_middle,
    delay,
    half_close_to_server,
    half_close_from_server,
    swallow_requests,
    swallow_answers,
]

CUTS = [ToxicProxy.cut, refused_and_cut]
"""These do something to connections; the others, to the data that comes."""

toxics = pytest.mark.parametrize("toxic", TOXICS, ids=lambda toxic: toxic.__name__.replace("_", " "))


@pytest.fixture
def mongodb_proxy(stack: Stack, mongod: Server) -> Iterator[ToxicProxy]:
    with toxic_proxy(mongod.port) as proxy:
        name = parse_uri(stack.environment["MONGO_URL"])["database"]
        # Direct: from the members of the set the driver would learn the way past the proxy.
        stack.environment["MONGO_URL"] = f"mongodb://127.0.0.1:{proxy.port}/{name}?directConnection=true"
        del stack.environment["API_MONGO_TIMEOUT_SECONDS"]
        yield proxy


@pytest.fixture
def broker_proxy(stack: Stack, redis_broker: Server) -> Iterator[ToxicProxy]:
    yield from redis_proxy(stack, redis_broker, "REDIS_BROKER_URL")


@pytest.fixture
def cache_proxy(stack: Stack, redis_cache: Server) -> Iterator[ToxicProxy]:
    yield from redis_proxy(stack, redis_cache, "REDIS_CACHE_URL")


def redis_proxy(stack: Stack, server: Server, variable: str) -> Iterator[ToxicProxy]:
    with toxic_proxy(server.port) as proxy:
        stack.environment[variable] = stack.environment[variable].replace(str(server.port), str(proxy.port))
        yield proxy


@toxics
def test_between_the_processes_and_mongodb(
    mongodb_proxy: ToxicProxy, stack: Stack, toxic: Callable[[ToxicProxy], None]
) -> None:
    start_all(stack)
    toxic(mongodb_proxy)
    for answers in (buy(stack), read(stack)):
        assert set(statuses(answers)) <= {200, 202, 503}
        assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    assert mongodb_proxy.met or toxic in CUTS
    mongodb_proxy.heal()
    assert_all_is_well(stack)


@toxics
def test_between_the_processes_and_the_broker(
    broker_proxy: ToxicProxy, stack: Stack, toxic: Callable[[ToxicProxy], None]
) -> None:
    start_all(stack)
    toxic(broker_proxy)
    assert statuses(buy(stack)) == {202: ORDERS}
    assert set(statuses(read(stack))) == {200}
    assert broker_proxy.met or toxic in CUTS
    broker_proxy.heal()
    assert_all_is_well(stack)


@toxics
def test_between_the_processes_and_the_cache(
    cache_proxy: ToxicProxy, stack: Stack, toxic: Callable[[ToxicProxy], None]
) -> None:
    start_all(stack)
    toxic(cache_proxy)
    assert statuses(buy(stack)) == {202: ORDERS}
    assert set(statuses(read(stack))) == {200}
    stack.wait_until_decided()
    assert cache_proxy.met or toxic in CUTS
    cache_proxy.heal()
    assert_all_is_well(stack)


@pytest.mark.parametrize("request_text", [b"insert\x00", b"commitTransaction\x00"], ids=["insert", "commit"])
def test_the_answer_of_mongodb_is_lost(mongodb_proxy: ToxicProxy, stack: Stack, request_text: bytes) -> None:
    """It has done what it was asked, and whoever asked can't know: the driver asks again, and it is done once."""
    start_all(stack)
    lost: list[Connection] = []
    mongodb_proxy.toxic = answer_lost(request_text, lost)
    assert statuses(buy(stack)) == {202: ORDERS}
    assert_all_is_well(stack)
    assert len(lost) == 1


def start_all(stack: Stack) -> None:
    """Ready: something was bought, which every part had a part in."""
    put_products(stack.database, a_product("MUG", stock=STOCK), a_product("TEE", stock=1))
    stack.start_api()
    stack.start_worker()
    stack.start_beat()
    with stack.client() as client:
        client.post("/v1/products/TEE/purchase", json={"quantity": 1}).raise_for_status()
        stack.wait_until_decided()
        assert client.get("/v1/products/MUG").json()["stock"] == STOCK


def buy(stack: Stack) -> list[httpx.Response]:
    """Each buyer with a key of its own, all at once; the answers in time."""
    with stack.client() as client, ThreadPoolExecutor(ORDERS) as buyers:
        return list(buyers.map(lambda n: buy_one(client, n), range(ORDERS)))


def buy_one(client: httpx.Client, n: int) -> httpx.Response:
    body = {"items": [{"sku": "MUG", "quantity": 1}]}
    return in_time(lambda: client.post("/v1/orders", json=body, headers={"Idempotency-Key": f"key-{n}"}))


def read(stack: Stack) -> list[httpx.Response]:
    paths = ["/v1/products/MUG", "/v1/products/TEE", "/v1/orders", "/v1/products"]
    with stack.client() as client:
        return [in_time(lambda path=path: client.get(path)) for path in paths]


def in_time(ask: Callable[[], httpx.Response]) -> httpx.Response:
    started = time.monotonic()
    answer = ask()
    assert time.monotonic() - started < ANSWER_SECONDS_MAX
    return answer


def assert_all_is_well(stack: Stack) -> None:
    """Those who buy repeat with the same key until they are served; each has one order, decided once."""
    wait_until(lambda: statuses(buy(stack)) == {202: ORDERS}, "all orders to be accepted", limit=60)
    assert stack.database.orders.count_documents({"idempotency": {"$exists": True}}) == ORDERS
    stack.wait_until_decided(WORKER_DEAF_SECONDS_MAX)
    assert stack.database.orders.count_documents({"status": "confirmed", "items.sku": "MUG"}) == STOCK
    assert stack.database.orders.count_documents({"status": "rejected"}) == ORDERS - STOCK
    assert {len(order["history"]) for order in stack.database.orders.find()} == {2}
    assert stock_of(stack.database, "MUG") == 0
    assert_ledger_true(stack.database)
    with stack.client() as client:
        wait_until(lambda: shown_stock(client) == 0, "the true stock to be shown")
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the system to be ready again")


def shown_stock(client: httpx.Client) -> int | None:
    answer = client.get("/v1/products/MUG")
    return int(answer.json()["stock"]) if answer.is_success else None
