"""A worker whose broker dies while it holds messages goes on by itself: nobody has to start it again."""

from celery import Celery

from local.servers import Server
from shared.queue import announce_orders
from tests.builders import a_line, a_product, an_order, an_order_id
from tests.mongo import assert_ledger_true, put_orders, put_products, status_of, stock_of
from tests.stack import Stack, wait_until

MESSAGES = 5
"""Fewer than a worker can hold, so that it waits for more when the broker dies."""


def test_a_worker_that_holds_messages_outlives_the_broker(stack: Stack, mongod: Server, redis_broker: Server) -> None:
    put_products(stack.database, a_product("MUG", stock=2))
    [order_id] = put_orders(stack.database, an_order(a_line("MUG")))
    worker = stack.start_worker()
    stack.start_beat()
    wait_until(lambda: status_of(stack.database, order_id) != "pending", "the worker to work")
    sender = Celery(broker=stack.environment["REDIS_BROKER_URL"], set_as_current=False)

    with mongod.hanging():
        # No task ends, and no message is acknowledged.
        for _ in range(MESSAGES):
            announce_orders(sender, [an_order_id()])
        wait_until(lambda: unacknowledged(sender) >= MESSAGES, "the worker to hold messages")
        redis_broker.kill()
        wait_until(lambda: "Trying again in" in stack.log("worker"), "the worker to miss the broker", worker)
        redis_broker.start()

    [order_id] = put_orders(stack.database, an_order(a_line("MUG")))
    wait_until(lambda: status_of(stack.database, order_id) != "pending", "the worker to go on", worker)
    assert stock_of(stack.database, "MUG") == 0
    assert_ledger_true(stack.database)


def unacknowledged(sender: Celery) -> int:
    with sender.connection_for_read() as connection:
        return int(connection.default_channel.client.hlen("unacked"))
