"""What an order costs with many orders stored against few: the functions of the store, called here, on two databases.

Times are of the call, with MongoDB's own. Each turn does the same to both, step by step in turn, and takes the median
of the steps, which leaves out those that waited for a disk or for a checkpoint; the ratio is taken within a turn. What
MongoDB looks at is told by its profiler, exactly. As many customers buy in both, and have as many orders.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from uuid import uuid4

from pymongo import WriteConcern
from pymongo.database import Database

from bench import tables
from bench.contenders import PRICE, seed_ours
from bench.experiments.run import Run
from bench.experiments.second_floor import an_order
from bench.plan import SKUS
from shared.clock import now
from shared.domain.movement import Movement, MovementKind
from shared.domain.order import HistoryEntry, Line, Order, Status
from shared.domain.warning import nobody_is_told
from shared.store.announcements import claim_due
from shared.store.connection import Document
from shared.store.decisions import decide_pending, read_pending
from shared.store.documents import movement_document, order_document
from shared.store.order_list import OrderQuery, list_orders
from shared.store.orders import Submission, find_order, insert_orders

ORDERS_PER_CUSTOMER = 100
BUYING_CUSTOMERS = 100
"""Who place the orders that are measured, as many in both."""

LISTING_CUSTOMERS = 10
"""Who look at their list again and again: what is measured is the plan, not the reading of cold pages."""

BATCH = 100
BATCHES = 20
"""In a turn."""

INSERTED_AT_ONCE = 5_000
PAGE = 50
ANNOUNCE_AFTER_SECONDS = 10
OVERDUE = timedelta(minutes=1)
"""How long ago the orders were accepted that a sweep shall find."""


@dataclass(slots=True)
class Shop:
    """A database with orders in it, of so many customers."""

    database: Database[Document]
    customers: int
    placed: int = 0

    def new_orders(self, count: int, *, customers: int = BUYING_CUSTOMERS) -> list[Order]:
        self.placed += count
        return [_order(self.placed + number, customers) for number in range(count)]


def measure(run: Run) -> None:
    with _shop(run, run.plan.stored[0]) as few, _shop(run, run.plan.stored[1]) as many:
        run.ground.checkpoint()  # what the filling has left to be written is not on the account of those who come now
        _times([few, many])  # warms up
        for number in range(2 * run.plan.turns):
            run.tell(f"turn {number + 1} of {2 * run.plan.turns}")
            shops = [many, few] if number % 2 else [few, many]
            for act, times in _times(shops).items():
                us_few, us_many = reversed(times) if number % 2 else times
                run.results.add(tables.STORED, act, {"us_few": us_few, "us_many": us_many, "ratio": us_many / us_few})
        for act, (looked_few, looked_many) in _looked_at(few, many).items():
            figures = {"keys_few": looked_few.keys, "keys_many": looked_many.keys}
            documents = {"documents_few": looked_few.documents, "documents_many": looked_many.documents}
            run.results.add(tables.LOOKED_AT, act, figures | documents)


def _times(shops: Sequence[Shop]) -> dict[str, list[float]]:
    """Microseconds of each act, shop by shop, the same act in all of them: per order, and of a list per page."""
    turns = [_Turn(shop) for shop in shops]
    times = {act: _medians([turn.steps(act) for turn in turns]) for act in tables.ACTS}
    for turn in turns:
        turn.take_away()
    return times


def _medians(steps: Sequence["Steps"]) -> list[float]:
    seconds: list[list[float]] = [[] for _ in steps]
    for side_by_side in zip(*(each.calls for each in steps), strict=True):
        for taken, call in zip(seconds, side_by_side, strict=True):
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
    return [1e6 * statistics.median(taken) / each.size for taken, each in zip(seconds, steps, strict=True)]


@dataclass(frozen=True, slots=True)
class Steps:
    """`size`: how many orders each of the calls is about, or pages."""

    calls: list[Callable[[], None]]
    size: int


class _Turn:
    """The orders with which a shop takes its turn; those that are overdue wait for the sweep already."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.batches = [shop.new_orders(BATCH) for _ in range(BATCHES)]
        self.overdue = [_overdue(order) for order in shop.new_orders(BATCH * BATCHES)]
        accept(shop, self.overdue)

    def take_away(self) -> None:
        """So that few stay few."""
        orders = [*chain(*self.batches), *self.overdue]
        self.shop.database.orders.delete_many({"_id": {"$in": [order.order_id for order in orders]}})
        self.shop.database.stock_movements.delete_many({"_id": {"$in": [_sale(order).movement_id for order in orders]}})

    def steps(self, act: str) -> Steps:
        match act:
            case "accept":
                return Steps([partial(accept, self.shop, batch) for batch in self.batches], BATCH)
            case "decide":
                return Steps([partial(decide, self.shop, batch) for batch in self.batches], BATCH)
            case "poll":
                return Steps([partial(poll, self.shop, order) for order in chain(*self.batches)], 1)
            case "list":
                return Steps([partial(list_page, self.shop, number) for number in range(BATCH)], 1)
            case _:
                return Steps([partial(sweep, self.shop, number) for number in range(BATCHES)], BATCH)


def accept(shop: Shop, batch: Sequence[Order]) -> None:
    submissions = [Submission(order, None) for order in batch]
    insert_orders(shop.database, submissions, announce_after_seconds=ANNOUNCE_AFTER_SECONDS)


def decide(shop: Shop, batch: Sequence[Order]) -> None:
    pending = read_pending(shop.database, [order.order_id for order in batch])
    decide_pending(shop.database, pending, at=now(), warn=nobody_is_told)


def poll(shop: Shop, order: Order) -> None:
    find_order(shop.database, order.order_id, customer=order.customer)


def list_page(shop: Shop, number: int) -> None:
    query = OrderQuery(customer=f"customer-{number % LISTING_CUSTOMERS}")
    list_orders(shop.database, query, after=None, limit=PAGE)


def sweep(shop: Shop, _: int) -> None:
    claim_due(shop.database, claim=uuid4().hex, at=now(), limit=BATCH, interval_max_seconds=300)


@dataclass(frozen=True, slots=True)
class Looked:
    """Keys of indexes and documents examined by an act on `BATCH` orders; of a list, for one page of 50."""

    keys: int
    documents: int


def _looked_at(few: Shop, many: Shop) -> dict[str, tuple[Looked, Looked]]:
    found = [_looked_in(shop) for shop in (few, many)]
    return {act: (found[0][act], found[1][act]) for act in tables.ACTS}


def _looked_in(shop: Shop) -> dict[str, Looked]:
    batch, overdue = shop.new_orders(BATCH), [_overdue(order) for order in shop.new_orders(BATCH)]
    accept(shop, overdue)
    acts: dict[str, Callable[[], object]] = {
        "accept": lambda: accept(shop, batch),
        "decide": lambda: decide(shop, batch),
        "poll": lambda: [poll(shop, order) for order in batch],
        "list": lambda: list_page(shop, 0),
        "sweep": lambda: sweep(shop, 0),
    }
    return {name: _profiled(shop.database, act) for name, act in acts.items()}


def _profiled(database: Database[Document], act: Callable[[], object]) -> Looked:
    database["system.profile"].drop()
    database.command("profile", 2)
    act()
    database.command("profile", 0)
    operations = list(database["system.profile"].find({"ns": {"$not": {"$regex": "system"}}}))
    return Looked(*(sum(entry.get(name, 0) for entry in operations) for name in ("keysExamined", "docsExamined")))


@contextmanager
def _shop(run: Run, orders: int) -> Iterator[Shop]:
    database = run.ground.empty(f"stored_{orders}")
    seed_ours(database, [f"SKU-{number}" for number in range(SKUS)])
    shop = Shop(database, max(BUYING_CUSTOMERS, orders // ORDERS_PER_CUSTOMER))
    run.tell(f"storing {orders:,} orders")
    _store_decided(shop, orders)
    yield shop
    database.client.drop_database(database.name)
    database.client.close()


def _store_decided(shop: Shop, count: int) -> None:
    """As the product leaves them: decided, with their movements; only less durably, nobody was promised these."""
    quick = WriteConcern(w=1)
    orders = shop.database.get_collection("orders", write_concern=quick)
    movements = shop.database.get_collection("stock_movements", write_concern=quick)
    for start in range(0, count, INSERTED_AT_ONCE):
        new = shop.new_orders(min(INSERTED_AT_ONCE, count - start), customers=shop.customers)
        batch = [_confirmed(order) for order in new]
        orders.insert_many(
            [order_document(order, announce_after_seconds=ANNOUNCE_AFTER_SECONDS) for order in batch], ordered=False
        )
        movements.insert_many([movement_document(_sale(order)) for order in batch], ordered=False)


def _order(number: int, customers: int) -> Order:
    """A large step from one to the next, so that neighbours in time are not neighbours by customer or by SKU."""
    return an_order(f"SKU-{number * 7919 % SKUS}", f"customer-{number * 7919 % customers}")


def _confirmed(order: Order) -> Order:
    return replace(
        order,
        status=Status.CONFIRMED,
        items=tuple(Line(line.sku, line.quantity, PRICE) for line in order.items),
        total=PRICE,
        history=(*order.history, HistoryEntry(Status.CONFIRMED, order.created_at)),
    )


def _sale(order: Order) -> Movement:
    [line] = order.items
    return Movement(order.order_id, line.sku, MovementKind.SALE, -line.quantity, order.created_at)


def _overdue(order: Order) -> Order:
    return replace(order, created_at=order.created_at - OVERDUE)
