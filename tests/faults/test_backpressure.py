"""Backpressure with nobody there to decide: orders are refused while the queue is too long, and no longer."""

from tests.builders import a_product
from tests.mongo import put_products
from tests.stack import Stack, wait_until

BODY = {"items": [{"sku": "MUG", "quantity": 1}]}


def test_new_orders_are_refused_until_the_queue_is_short_again(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.environment["PENDING_SECONDS_MAX"] = "2"
    stack.start_api()
    with stack.client() as client:
        assert client.post("/v1/orders", json=BODY).status_code == 202
        wait_until(lambda: client.post("/v1/orders", json=BODY).status_code == 503, "the queue to be too long")
        stored = stack.database.orders.count_documents({})
        refused = client.post("/v1/orders", json=BODY)
        assert refused.json()["type"] == "/problems/queue-too-long"
        assert refused.json()["oldest_pending_seconds"] >= 2
        assert int(refused.headers["Retry-After"]) >= 1
        assert stack.database.orders.count_documents({}) == stored

        stack.start_worker()
        stack.start_beat()
        wait_until(lambda: client.post("/v1/orders", json=BODY).status_code == 202, "orders to be accepted again")
    stack.wait_until_decided()
