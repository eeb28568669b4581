"""Restarts one after the other under load: every 202 is final, none is doubled, nothing stays in the queue."""

from itertools import count

from local.ports import free_port
from local.servers import Server
from tests.builders import a_product
from tests.buyers import buying
from tests.mongo import assert_ledger_true, put_products
from tests.stack import Stack, wait_until

ROUNDS = 3

GRACE_SECONDS = 30
"""`stop_grace_period` of the worker in docker-compose.yml; then it would be killed."""


def test_all_parts_are_restarted_one_by_one_and_nobody_notices(stack: Stack) -> None:
    """There is no beat, so no sweeper: each message is finished, or given back at once and not after five minutes."""
    put_products(stack.database, a_product("MUG", stock=100_000))
    names = count()
    ports = [stack.port, free_port()]
    apis = {port: stack.start_api(f"api-{next(names)}", port=port) for port in ports}
    workers = [stack.start_worker(f"worker-{next(names)}") for _ in range(2)]
    with buying(stack, "MUG", urls=[f"http://127.0.0.1:{port}" for port in ports]) as buyers:
        for _ in range(ROUNDS):
            for port in ports:
                buyers.wait_for_more(50)
                apis[port].terminate()
                assert apis[port].wait(20) == 0
                apis[port] = stack.start_api(f"api-{next(names)}", port=port)
            for _ in workers:
                buyers.wait_for_more(50)
                worker = workers.pop(0)
                worker.terminate()
                assert worker.wait(GRACE_SECONDS) == 0
                workers.append(stack.start_worker(f"worker-{next(names)}"))

    assert set(buyers.statuses()) == {202}
    stack.wait_until_decided(20)
    buyers.check_orders()
    assert_ledger_true(stack.database)


def test_a_worker_that_is_stopped_while_mongodb_is_away_ends_in_time_and_gives_its_messages_back(
    stack: Stack, mongod: Server
) -> None:
    put_products(stack.database, a_product("MUG", stock=100_000))
    stack.start_api()
    worker = stack.start_worker("worker-1")
    with buying(stack, "MUG") as buyers:
        buyers.wait_for_more(100)
        with mongod.hanging():
            wait_until(lambda: buyers.statuses()[503], "MongoDB to be missed")
            worker.terminate()
            assert worker.wait(GRACE_SECONDS) == 0
        before = list(buyers.accepted.values())
        stack.start_worker("worker-2")

    accepted = [order_id for ids in before for order_id in ids]
    pending = {"_id": {"$in": accepted}, "status": "pending"}
    wait_until(lambda: not stack.database.orders.count_documents(pending), "what was accepted before")
    assert stack.database.orders.count_documents({"status": "failed"}) == 0
    assert_ledger_true(stack.database)
