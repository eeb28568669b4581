"""What a stranger puts on the queue is thrown away, and the worker goes on with what is behind it."""

import json
from base64 import b64encode
from typing import Any

import pytest
from redis import Redis

from shared.queue import PROCESS_ORDERS, announce_orders, make_celery
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import assert_ledger_true, put_orders, put_products, status_of
from tests.stack import Stack, wait_until

GOOD = [[["1"]], {"again": False}, None]


def envelope(body: Any, headers: dict[str, Any]) -> str:
    """As kombu writes it on Redis."""
    return json.dumps(
        {
            "body": b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": {
                "delivery_tag": "1",
                "delivery_info": {"exchange": "", "routing_key": "orders"},
                "body_encoding": "base64",
            },
        }
    )


TASK = {"id": "1", "task": PROCESS_ORDERS}

STRANGE = {
    "a number": envelope(5, TASK),
    "too short": envelope([[]], TASK),
    "arguments of another type": envelope([5, {}, {}], TASK),
    "no id": envelope(GOOD, {"task": PROCESS_ORDERS}),
    "no task": envelope(GOOD, {"id": "1"}),
    "no headers": envelope(GOOD, {}),
}


@pytest.mark.parametrize("message", STRANGE.values(), ids=STRANGE.keys())
def test_the_worker_goes_on(stack: Stack, message: str) -> None:
    put_products(stack.database, a_product("MUG", stock=1))
    [order_id] = put_orders(stack.database, an_order(a_line("MUG")))
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
        broker.lpush("orders", message)
    announce_orders(make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"])), [order_id])
    worker = stack.start_worker()

    wait_until(lambda: status_of(stack.database, order_id) == "confirmed", "the order behind it", worker)
    wait_until(lambda: stack.messages_left() == 0, "the message to be gone", worker)

    assert stack.log("worker").count("a message that is no task was thrown away") == 1
    assert_ledger_true(stack.database)


def test_a_task_that_can_not_take_its_arguments_is_counted_as_a_defect_and_the_worker_goes_on(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=1))
    [order_id] = put_orders(stack.database, an_order(a_line("MUG")))
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
        broker.lpush("orders", envelope([[5], {"again": False}, {}], TASK))
    announce_orders(make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"])), [order_id])
    worker = stack.start_worker()

    wait_until(lambda: status_of(stack.database, order_id) == "confirmed", "the order behind it", worker)
    wait_until(lambda: stack.messages_left() == 0, "the message to be gone", worker)

    assert stack.log("worker").count("raised unexpected: TypeError(") == 1
    assert stack.metrics("worker").total("unexpected_errors_total") == 1
    assert_ledger_true(stack.database)
