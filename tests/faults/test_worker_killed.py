"""Workers that are killed in the middle of a rush: every order is decided, once."""

import threading

from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products
from tests.rush import Purchase, rush
from tests.stack import Stack, wait_until

KILLS = 15
ORDERS_A_KILL = 150


def test_a_worker_killed_fifteen_times_in_a_rush_loses_and_doubles_nothing(stack: Stack) -> None:
    put_products(stack.database, *(a_product(f"SKU-{n}", stock=200) for n in range(10)))
    stack.start_api()
    stack.start_beat()
    accepted: list[str] = []
    workers = [(name, stack.spawn_worker(name)) for name in ("worker-0", "worker-1")]
    for kill in range(KILLS):
        name, worker = workers.pop(0)
        stack.wait_for_worker(name, worker)
        decided_before = decided(stack)
        buyers = threading.Thread(target=buy, args=(stack, accepted))
        buyers.start()
        wait_until(lambda before=decided_before: decided(stack) > before, "the workers to be in the middle of it")
        worker.kill()
        worker.wait()
        workers.append((f"worker-{kill + 2}", stack.spawn_worker(f"worker-{kill + 2}")))
        buyers.join()

    stack.wait_until_decided(90)
    assert len(set(accepted)) == KILLS * ORDERS_A_KILL == stack.database.orders.count_documents({})
    assert stack.database.orders.count_documents({"status": {"$nin": ["confirmed", "rejected"]}}) == 0
    assert stack.database.orders.count_documents({"status": "confirmed"}) == 2_000
    assert_ledger_true(stack.database)


def buy(stack: Stack, accepted: list[str]) -> None:
    purchases = [Purchase(stack.token(), [(f"SKU-{n % 10}", 1)]) for n in range(ORDERS_A_KILL)]
    accepted.extend(answer.raise_for_status().json()["id"] for answer in rush(stack.url, purchases))


def decided(stack: Stack) -> int:
    return stack.database.orders.count_documents({"status": {"$ne": "pending"}})
