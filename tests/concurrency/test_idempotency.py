"""One order per caller and key, over HTTP and whichever of two API processes a repetition comes to."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx

from tests.stack import Stack

TWINS = 20
ORDER = {"items": [{"sku": "MUG", "quantity": 1}]}


def send_at_once(stack: Stack, path: str, body: Any, headers: dict[str, str]) -> list[httpx.Response]:
    """Each on a connection of its own, opened before; so both processes get some."""
    everyone_is_here = Barrier(TWINS)

    def send(_: int) -> httpx.Response:
        with stack.client() as client:
            client.get("/livez")
            everyone_is_here.wait(30)
            return client.post(path, json=body, headers=headers)

    with ThreadPoolExecutor(TWINS) as pool:
        return list(pool.map(send, range(TWINS)))


def test_twenty_equal_requests_at_once_over_two_processes_make_one_order(stack: Stack) -> None:
    stack.start_api()

    answers = send_at_once(stack, "/v1/orders", ORDER, {"Idempotency-Key": "one"})

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted("Idempotent-Replayed" in answer.headers for answer in answers) == [False] + [True] * (TWINS - 1)
    assert stack.database.orders.count_documents({}) == 1


def test_the_same_in_bulk(stack: Stack) -> None:
    stack.start_api()
    entries = [{**ORDER, "idempotency_key": f"key-{n}"} for n in range(50)]

    answers = send_at_once(stack, "/v1/orders/bulk", {"orders": entries}, {})

    assert {answer.status_code for answer in answers} == {202}
    ids = [[result["order"]["id"] for result in answer.json()["results"]] for answer in answers]
    assert len({tuple(of_one) for of_one in ids}) == 1
    assert sum(not result["replayed"] for answer in answers for result in answer.json()["results"]) == len(entries)
    assert stack.database.orders.count_documents({}) == len(entries)
