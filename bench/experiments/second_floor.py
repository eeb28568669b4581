"""What the store alone can do: batches of orders inserted and decided by one process, without HTTP and queue."""

import time

import psutil
import uuid_utils
from pymongo.database import Database

from bench import tables
from bench.contenders import seed_ours
from bench.experiments.run import Run
from bench.ground import Ground
from bench.measure import Spent, cpu_seconds
from bench.plan import SKUS
from shared.clock import now
from shared.domain.order import Line, Order, accepted_at, new_order
from shared.domain.warning import nobody_is_told
from shared.store.connection import Document
from shared.store.decisions import decide_pending, read_pending
from shared.store.orders import Submission, insert_orders

BATCH = 500
"""As large as the product makes them under load: ACCEPT_BATCH_MAX, DECIDE_BATCH_MAX."""


def measure(run: Run) -> None:
    database = run.ground.empty("second_floor")
    seed_ours(database, [f"SKU-{number}" for number in range(SKUS)])
    insert_and_decide(database, skus=SKUS, seconds=0.5)
    for skus in run.turns([1, SKUS]):
        before, begun = _cpu(run.ground), time.monotonic()
        orders = insert_and_decide(database, skus=skus, seconds=run.plan.turn_seconds)
        seconds, after = time.monotonic() - begun, _cpu(run.ground)
        spent = Spent({kind: after[kind] - before[kind] for kind in after})
        row = tables.ONE_PRODUCT if skus == 1 else tables.MANY_PRODUCTS
        run.results.add(tables.SECOND_FLOOR, row, {"decided_per_second": orders / seconds} | spent.us_per_order(orders))
    database.client.drop_database(database.name)
    database.client.close()


def insert_and_decide(database: Database[Document], *, skus: int, seconds: float) -> int:
    """How many orders went the whole way in this time."""
    deadline, orders = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        batch = [an_order(f"SKU-{(orders + number) % skus}") for number in range(BATCH)]
        insert_orders(database, [Submission(order, None) for order in batch], announce_after_seconds=10)
        pending = read_pending(database, [order.order_id for order in batch])
        decided = decide_pending(database, pending, at=now(), warn=nobody_is_told)
        orders += len(decided.decisions)
    return orders


def an_order(sku: str, customer: str = "bench") -> Order:
    order_id = str(uuid_utils.uuid7())
    return new_order(order_id, customer, [Line(sku, 1)], reference=None, at=accepted_at(order_id))


def _cpu(ground: Ground) -> dict[str, float]:
    """Seconds so far."""
    return {"python": cpu_seconds(psutil.Process()), "mongod": cpu_seconds(psutil.Process(ground.mongod.process.pid))}
