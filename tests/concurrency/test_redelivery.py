"""The third promise on real workers: one effect, however often and to however many workers a message comes."""

from typing import Any

from shared.queue import announce_orders, make_celery
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import assert_ledger_true, find, put_orders, put_products, stock_of
from tests.stack import Stack, wait_until


def test_a_message_delivered_ten_times_to_two_workers_at_once_has_one_effect(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=500))
    order_ids = put_orders(stack.database, *(an_order(a_line("MUG", 2)) for _ in range(100)))
    celery = make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"]))
    for _ in range(10):
        announce_orders(celery, order_ids)

    stack.start_worker("worker-1")
    stack.start_worker("worker-2")
    wait_until(lambda: processed(stack) >= 10, "all ten messages")

    assert stack.database.orders.count_documents({"status": "confirmed"}) == 100
    assert stock_of(stack.database, "MUG") == 300
    assert stack.database.stock_movements.count_documents({"kind": "sale"}) == 100
    assert all(len(find(stack.database, order_id)["history"]) == 2 for order_id in order_ids)
    assert_ledger_true(stack.database)


def processed(stack: Stack) -> int:
    """Messages that are neither queued nor unacknowledged any more, of the ten."""
    broker: Any = make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"])).connection()
    with broker as connection:
        client = connection.default_channel.client
        return 10 - int(client.llen("orders")) - int(client.hlen("unacked"))
