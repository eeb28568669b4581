"""The broker dies, hangs or is emptied under workers that consume: consuming goes on, without the sweeper's help."""

import shutil
import time
from collections.abc import Callable

import pytest
from redis import Redis

from local.servers import Server
from tests.builders import a_product
from tests.buyers import buying
from tests.mongo import assert_ledger_true, put_products
from tests.rush import Purchase, rush
from tests.stack import KeptWorker, Stack, wait_until

NEVER = "3600"
"""Seconds. Else the sweeper would announce what the fault has lost, and hide that nobody consumes."""

AWAY_SECONDS = 6
"""Longer than every socket's limit, and than the first attempts to connect again."""


def killed(broker: Server) -> None:
    broker.kill()
    broker.start()


def killed_three_times(broker: Server) -> None:
    for _ in range(3):
        killed(broker)


def away(broker: Server) -> None:
    broker.kill()
    time.sleep(AWAY_SECONDS)
    broker.start()


def replaced_by_an_empty_one(broker: Server) -> None:
    broker.stop()
    shutil.rmtree(broker.data_dir)
    broker.start()


def hanging(broker: Server) -> None:
    broker.pause()
    time.sleep(AWAY_SECONDS)
    broker.resume()


def emptied(broker: Server) -> None:
    with Redis.from_url(broker.url) as client:
        for _ in range(20):
            client.flushall()
            time.sleep(0.05)


FAULTS = [killed, killed_three_times, away, replaced_by_an_empty_one, hanging, emptied]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_orders_are_decided_again_without_the_sweeper(
    stack: Stack, redis_broker: Server, fault: Callable[[Server], None]
) -> None:
    stack.environment |= {"ANNOUNCE_AFTER_SECONDS": NEVER, "ANNOUNCE_INTERVAL_MAX_SECONDS": NEVER}
    put_products(stack.database, a_product("MUG", stock=100_000))
    stack.start_api()
    worker = KeptWorker(stack)
    with buying(stack, "MUG") as buyers:
        buyers.wait_for_more(200)
        fault(redis_broker)
        buyers.wait_for_more(100)
        assert set(buyers.statuses()) == {202}, "nobody needs the broker to buy"

    fresh = [
        answer.raise_for_status().json()["id"]
        for answer in rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(40)])
    ]
    wait_until(lambda: worker.is_kept() and not pending_among(stack, fresh), "what was announced after the fault")

    # What the fault has lost is the sweeper's.
    stack.database.orders.update_many({"status": "pending"}, [{"$set": {"next_announce_at": "$created_at"}}])
    stack.start_beat()
    wait_until(lambda: worker.is_kept() and not pending_among(stack), "all orders")
    assert stack.database.orders.count_documents({"status": {"$ne": "confirmed"}}) == 0
    assert_ledger_true(stack.database)
    assert worker.ends == 0


def pending_among(stack: Stack, order_ids: list[str] | None = None) -> int:
    among = {} if order_ids is None else {"_id": {"$in": order_ids}}
    return stack.database.orders.count_documents({"status": "pending", **among})
