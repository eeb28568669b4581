"""The sweeper on a real MongoDB: what is due is announced once, later and later, and given back when that fails."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database

from local.ports import free_port
from shared.clock import now
from shared.domain.errors import Unavailable
from shared.queue import ORDERS_QUEUE, announce_orders, make_celery
from shared.queue_depth import queue_depth
from shared.services.decide_orders import OrderDecider
from shared.services.sweep_orders import sweep_orders
from shared.store.announcements import claim_due
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import find, put_orders, put_products


def test_a_pending_order_is_announced_when_it_is_due_and_not_before(database: Database[Document]) -> None:
    [order_id] = put_orders(database, an_order())
    later = an_order(created_at=now() + timedelta(minutes=5))
    put_orders(database, later)
    announced: list[str] = []

    assert sweep_orders(database, announced.extend, nothing_queued, settings()) == 1

    assert announced == [order_id]


def test_a_decided_order_is_not_announced_again(database: Database[Document], decider: OrderDecider) -> None:
    put_products(database, a_product("MUG"))
    order_ids = put_orders(database, an_order(a_line("MUG")), an_order(a_line("NONE")))
    decider.decide(order_ids)

    assert sweep_orders(database, fail_the_test, nothing_queued, settings()) == 0


def test_each_announcement_doubles_the_interval_up_to_the_maximum(database: Database[Document]) -> None:
    [order_id] = put_orders(database, an_order())
    database.orders.update_one({"_id": order_id}, {"$set": {"announce_interval_seconds": 10}})

    intervals = []
    for _ in range(4):
        at = datetime(2030, 1, 1, tzinfo=UTC)
        database.orders.update_one({"_id": order_id}, {"$set": {"next_announce_at": at}})
        claim_due(database, claim="c", at=at, limit=10, interval_max_seconds=60)
        intervals.append((find(database, order_id)["next_announce_at"] - at).total_seconds())

    assert intervals == [20, 40, 60, 60]


def test_two_sweepers_at_once_share_the_orders(database: Database[Document]) -> None:
    order_ids = put_orders(database, *(an_order() for _ in range(300)))
    announced: list[str] = []

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: sweep_orders(database, announced.extend, nothing_queued, settings()), range(8)))

    assert sorted(announced) == sorted(order_ids)


def test_what_could_not_be_announced_is_given_back_and_announced_by_a_later_sweep(
    database: Database[Document],
) -> None:
    [order_id] = put_orders(database, an_order())
    impatient = settings(announce_after_seconds=0)

    assert sweep_orders(database, broker_gone, nothing_queued, impatient) == 0

    announced: list[str] = []
    assert sweep_orders(database, announced.extend, nothing_queued, impatient) == 1
    assert announced == [order_id]


def test_a_sweep_is_bounded_and_takes_the_longest_due_first(database: Database[Document]) -> None:
    order_ids = put_orders(database, *(an_order(created_at=now() - timedelta(seconds=n)) for n in range(10)))
    announced: list[str] = []

    sweep_orders(database, announced.extend, nothing_queued, settings(sweep_batch_max=3))

    assert set(announced) == set(order_ids[-3:])


def nothing_queued() -> int:
    return 0


def broker_gone(_: Sequence[str]) -> None:
    raise Unavailable("the broker")


def fail_the_test(order_ids: Sequence[str]) -> None:
    raise AssertionError(f"announced {order_ids}")


def test_the_queue_says_how_many_messages_wait(broker_url: str) -> None:
    celery = make_celery(settings(redis_broker_url=broker_url))
    assert queue_depth(celery, ORDERS_QUEUE) == 0
    for _ in range(3):
        announce_orders(celery, ["1", "2"])
    assert queue_depth(celery, ORDERS_QUEUE) == 3


def test_a_broker_that_is_away_can_not_say_how_many() -> None:
    with pytest.raises(Unavailable):
        queue_depth(make_celery(settings(redis_broker_url=f"redis://127.0.0.1:{free_port()}/0")), ORDERS_QUEUE)
