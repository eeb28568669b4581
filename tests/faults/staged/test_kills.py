"""A kill at each step of an order's way: whatever dies where, one order per key, decided once, the ledger true.

The killed process is started again, as a supervisor would; a client without an answer repeats its request with the
same key. The steps are those of "The way of one order" in the README.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, put_orders, put_products, stock_of
from tests.stack import Stack, wait_until
from tests.staged import Fault, staged, wait_until_gone, wait_until_killed

INSERT = "pymongo.collection:Collection.insert_many"
COMMIT = "pymongo.client_session:ClientSession.commit_transaction"
PUBLISH = "kombu.transport.redis:Channel._put"
ACK = "kombu.transport.redis:QoS.ack"
CLOSE_CACHE = "redis.commands.core:Script.__call__"
INVALIDATE = "shared.cache:LeaseCache._invalidate_or_owe"
NOTICE = "shared.notices:FinishedOrders.publish"
DELIVERY = "shared.services.decide_orders:OrderDecider.decide"
CLAIM = "shared.store.announcements:claim_due"
GIVE_BACK = "shared.store.announcements:give_back"

BULK = 50
SINGLE = 5
"""Messages of their own beside that of the bulk, so that several share one transaction."""

STOCK = 40


def step(name: str, function: str, when: str) -> Any:
    return pytest.param(function, when, id=f"{when} {name}")


API_STEPS = [
    step("the insert", INSERT, "before"),
    step("the insert", INSERT, "after"),
    step("the message", PUBLISH, "before"),
    step("the message", PUBLISH, "after"),
]

WORKER_STEPS = [
    step("the delivery", DELIVERY, "before"),
    step("the cache is closed", CLOSE_CACHE, "after"),
    step("the commit", COMMIT, "before"),
    step("the commit", COMMIT, "after"),
    step("the invalidation", INVALIDATE, "before"),
    step("the invalidation", INVALIDATE, "after"),
    step("the notice", NOTICE, "before"),
    step("the notice", NOTICE, "after"),
    step("the acknowledgement", ACK, "before"),
    step("the acknowledgement", ACK, "after"),
]


@pytest.fixture
def system(stack: Stack) -> Stack:
    """Entries of the cache live longer than any test: what is stale stays stale."""
    stack.environment |= {"API_PROCESSES": "1", "CACHE_TTL_SECONDS": "600"}
    put_products(stack.database, a_product("MUG", stock=STOCK))
    return stack


@pytest.fixture
def client(system: Stack) -> Iterator[httpx.Client]:
    with system.client() as client:
        yield client


@pytest.mark.parametrize("orders", [1, BULK], ids=["one", "bulk"])
@pytest.mark.parametrize(("function", "when"), API_STEPS)
def test_the_api_is_killed(
    system: Stack, client: httpx.Client, tmp_path: Path, function: str, when: str, orders: int
) -> None:
    fault = Fault(function, when, tmp_path / "killed")
    with staged(system, fault):
        system.start_api()  # Granian starts its killed process again, without the fault

    answered = answer_or_none(client, orders)
    wait_until_gone(fault)
    stored = system.database.orders.count_documents({})
    assert stored == (0 if (function, when) == (INSERT, "before") else orders)
    assert stored or answered is None, "what was answered is stored"

    order_ids = repeated(client, orders)
    assert answered in (None, order_ids)
    assert {document["_id"] for document in system.database.orders.find()} == set(order_ids)
    system.start_worker()
    system.start_beat()
    assert_all_decided_once(system, client, orders)


@pytest.mark.parametrize("orders", [1, BULK], ids=["one", "batch"])
@pytest.mark.parametrize(("function", "when"), WORKER_STEPS)
def test_the_worker_is_killed(
    system: Stack, client: httpx.Client, tmp_path: Path, function: str, when: str, orders: int
) -> None:
    system.start_api()
    assert client.get("/v1/products/MUG").json()["stock"] == STOCK, "and so it is cached"
    repeated(client, orders)
    single = SINGLE if orders > 1 else 0
    for n in range(single):
        assert place(client, 1, prefix=f"single-{n}").is_success

    fault = Fault(function, when, tmp_path / "killed")
    with staged(system, fault):
        wait_until_killed(system.spawn_worker("worker"), fault)
    system.start_worker()
    deliver_again(system)
    system.start_beat()

    assert_all_decided_once(system, client, orders + single)
    wait_until(lambda: not system.messages_left(), "every message to be acknowledged")
    assert_all_decided_once(system, client, orders + single)


SWEEPER_STEPS = [
    step("the claim", CLAIM, "before"),
    step("the claim", CLAIM, "after"),
    step("the message of the sweeper", PUBLISH, "before"),
    step("the message of the sweeper", PUBLISH, "after"),
]


@pytest.mark.parametrize(("function", "when"), SWEEPER_STEPS)
def test_the_sweeper_is_killed(system: Stack, client: httpx.Client, tmp_path: Path, function: str, when: str) -> None:
    put_orders(system.database, *(an_order(a_line("MUG")) for _ in range(BULK)))
    system.start_api()
    system.start_beat()
    fault = Fault(function, when, tmp_path / "killed")
    with staged(system, fault):
        wait_until_killed(system.spawn_worker("worker"), fault)
    assert system.database.orders.count_documents({"status": "pending"}) == BULK
    system.start_worker()
    assert_all_decided_once(system, client, BULK)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_sweeper_is_killed_while_it_gives_back_what_it_could_not_announce(
    system: Stack, client: httpx.Client, tmp_path: Path, when: str
) -> None:
    put_orders(system.database, *(an_order(a_line("MUG")) for _ in range(BULK)))
    system.start_api()
    system.start_beat()
    no_broker = Fault("celery:Celery.send_task", "before", tmp_path / "failed", what="fail")
    fault = Fault(GIVE_BACK, when, tmp_path / "killed")
    with staged(system, no_broker, fault):
        wait_until_killed(system.spawn_worker("worker"), fault)
    assert no_broker.happened
    system.start_worker()
    assert_all_decided_once(system, client, BULK)


def place(client: httpx.Client, orders: int, *, prefix: str = "key") -> httpx.Response:
    """One by itself, or several in bulk; each with its key."""
    items = [{"sku": "MUG", "quantity": 1}]
    if orders == 1:
        return client.post("/v1/orders", json={"items": items}, headers={"Idempotency-Key": f"{prefix}-0"})
    entries = [{"items": items, "idempotency_key": f"{prefix}-{n}"} for n in range(orders)]
    return client.post("/v1/orders/bulk", json={"orders": entries})


def ids_in(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 202, answer.text
    body = answer.json()
    return [result["order"]["id"] for result in body["results"]] if "results" in body else [body["id"]]


def answer_or_none(client: httpx.Client, orders: int) -> list[str] | None:
    """The ids of the orders, or None when the API died before it answered."""
    try:
        return ids_in(place(client, orders))
    except httpx.TransportError:
        return None


def repeated(client: httpx.Client, orders: int) -> list[str]:
    """The ids of the orders, however often it takes: a client that repeats with the same key."""
    answers: list[list[str] | None] = []
    wait_until(lambda: answers.append(answer_or_none(client, orders)) or answers[-1], "an answer")
    assert answers[-1] is not None
    return answers[-1]


def assert_all_decided_once(system: Stack, client: httpx.Client, orders: int) -> None:
    """As many as there is stock are confirmed, the rest is rejected; the product tells the true stock."""
    system.wait_until_decided()
    confirmed = min(STOCK, orders)
    found = list(system.database.orders.find())
    assert len(found) == orders
    assert sum(order["status"] == "confirmed" for order in found) == confirmed
    assert sum(order["status"] == "rejected" for order in found) == orders - confirmed
    assert {len(order["history"]) for order in found} == {2}
    assert system.database.stock_movements.count_documents({"kind": "sale"}) == confirmed
    assert stock_of(system.database, "MUG") == STOCK - confirmed
    assert_ledger_true(system.database)
    wait_until(lambda: shown_stock(client) == STOCK - confirmed, "the true stock to be shown", limit=10)


def shown_stock(client: httpx.Client) -> int | None:
    answer = client.get("/v1/products/MUG")
    return int(answer.json()["stock"]) if answer.is_success else None


def deliver_again(system: Stack) -> None:
    """What the killed worker had not acknowledged is delivered again now, instead of after five minutes."""
    with Redis.from_url(system.environment["REDIS_BROKER_URL"]) as broker:
        for tag in broker.zrange("unacked_index", 0, -1):
            broker.zadd("unacked_index", {tag: 1}, xx=True)
