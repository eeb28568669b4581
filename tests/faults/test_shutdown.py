"""SIGTERM: what was taken in is answered and kept; what is not, was never taken in."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products
from tests.stack import Stack, wait_until

BUYERS = 24


def test_an_api_that_is_stopped_under_load_answers_every_order_that_it_stored(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=100_000))
    api = stack.start_api()
    answered: list[str] = []
    refused = threading.Event()

    def buy_until_refused(_: int) -> None:
        body = {"items": [{"sku": "MUG", "quantity": 1}]}
        with stack.client() as client:
            while not refused.is_set():
                try:
                    answer = client.post("/v1/orders", json=body)
                except httpx.TransportError:
                    refused.set()
                else:
                    if answer.status_code == httpx.codes.ACCEPTED:
                        answered.append(answer.json()["id"])

    with ThreadPoolExecutor(BUYERS) as pool:
        buying = pool.map(buy_until_refused, range(BUYERS))
        wait_until(lambda: len(answered) > 100, "the load")
        api.terminate()
        list(buying)

    assert api.wait(15) == 0
    stored = {order["_id"] for order in stack.database.orders.find({}, {"_id": 1})}
    assert stored == set(answered)


def test_a_worker_that_is_stopped_finishes_or_returns_what_it_holds(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=400))
    stack.start_api()
    first = stack.start_worker("worker-1")
    with ThreadPoolExecutor(8) as pool, stack.client() as client:
        body = {"items": [{"sku": "MUG", "quantity": 1}]}
        answers = pool.map(lambda _: client.post("/v1/orders", json=body), range(500))
        wait_until(lambda: stack.database.orders.count_documents({"status": "confirmed"}), "the rush to be under way")
        first.terminate()
        assert first.wait(20) == 0
        stack.start_worker("worker-2")
        assert {answer.status_code for answer in answers} == {202}

    # No beat, so no sweeper: the messages themselves were finished or given back.
    stack.wait_until_decided(20)
    assert stack.database.orders.count_documents({"status": "confirmed"}) == 400
    assert_ledger_true(stack.database)
