"""Two sweepers and two beats at once announce each due order once an interval; a beat that was killed goes on."""

import base64
import json
from collections import Counter
from pathlib import Path

from redis import Redis

from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, put_orders, put_products, stock_of
from tests.stack import Stack, wait_until

ORDERS = 300


def test_two_sweepers_and_two_beats_announce_each_due_order_once_an_interval(stack: Stack) -> None:
    stack.environment |= {"SWEEP_EVERY_SECONDS": "0.1", "ANNOUNCE_INTERVAL_MAX_SECONDS": "64", "SWEEP_BATCH_MAX": "40"}
    put_products(stack.database, a_product("MUG", stock=200))
    put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(ORDERS)))
    # Each claim doubles the interval, which therefore counts the claims.
    stack.database.orders.update_many({}, {"$set": {"announce_interval_seconds": 1}})
    sweepers = [stack.spawn_worker(name, "--queues", "maintenance") for name in ("sweeper-1", "sweeper-2")]
    beats = [stack.start_beat(name) for name in ("beat-1", "beat-2")]

    # At once, then after two seconds, then after four.
    wait_until(lambda: set(intervals(stack).values()) == {8}, "three announcements of each", limit=60)
    for process in [*beats, *sweepers]:
        process.terminate()
        process.wait(20)
    assert all(stack.log(name).count("pending orders announced again") for name in ("sweeper-1", "sweeper-2"))
    assert announced(stack) == Counter(dict.fromkeys(intervals(stack), 3))

    stack.start_worker()
    stack.wait_until_decided()
    assert stack.database.orders.count_documents({"status": "confirmed"}) == 200
    assert {len(order["history"]) for order in stack.database.orders.find()} == {2}
    assert stock_of(stack.database, "MUG") == 0
    assert_ledger_true(stack.database)


def test_a_beat_that_was_killed_and_started_again_has_nothing_to_recover(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=ORDERS))
    stack.start_worker()
    beat = stack.start_beat()
    wait_until(lambda: stack.database.heartbeats.count_documents({}), "the first sweep")
    beat.kill()
    beat.wait()
    wait_until(lambda: not stack.messages_left("maintenance"), "the sweeps of the dead beat")
    put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(ORDERS)))

    stack.start_beat("beat-2")
    stack.wait_until_decided()

    assert stack.database.orders.count_documents({"status": "confirmed"}) == ORDERS
    assert_ledger_true(stack.database)
    assert list(Path.cwd().glob("celerybeat*")) == [], "it keeps no file"


def intervals(stack: Stack) -> dict[str, int]:
    return {order["_id"]: order["announce_interval_seconds"] for order in stack.database.orders.find()}


def announced(stack: Stack) -> Counter[str]:
    """How often each order is in the messages that wait."""
    ids: Counter[str] = Counter()
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
        for message in broker.lrange("orders", 0, -1):
            args, *_ = json.loads(base64.b64decode(json.loads(message)["body"]))
            ids.update(args[0])
    return ids
