"""After a long outage of the broker what piled up is announced at the pace of the workers, first come first served."""

from redis import Redis

from shared.services.sweep_orders import QUEUED_MAX
from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, put_orders, put_products
from tests.stack import Stack, wait_until

ORDERS = 20_000
AT_ONCE = 5_000


def test_what_piled_up_is_announced_without_a_storm_and_decided_in_order_of_acceptance(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=ORDERS // 2))
    order_ids: list[str] = []
    for _ in range(0, ORDERS, AT_ONCE):
        order_ids += put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(AT_ONCE)))
    # Not announced again while they wait for the first time.
    stack.environment |= {"ANNOUNCE_AFTER_SECONDS": "30", "ANNOUNCE_INTERVAL_MAX_SECONDS": "60"}
    stack.start_worker()
    stack.start_beat()

    waiting = [0]
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:

        def all_is_final() -> bool:
            waiting.append(int(broker.llen("orders")))
            return not stack.database.orders.count_documents({"status": "pending"})

        wait_until(all_is_final, "all orders to be decided", limit=60)

    assert max(waiting) <= QUEUED_MAX
    confirmed = [order["_id"] for order in stack.database.orders.find({"status": "confirmed"}, {"_id": 1})]
    assert sorted(confirmed) == sorted(order_ids)[: ORDERS // 2]
    assert stack.database.orders.count_documents({"attempts": {"$gt": 0}}) == 0
    assert_ledger_true(stack.database)
