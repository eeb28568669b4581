"""The deciding transaction: read what is there, let the pure rule decide, write stock, ledger and statuses.

The safety argument, in the order of its lines of defence:
1. one transaction: all of it is there, or nothing;
2. snapshot isolation: who changes a product or an order that another transaction changed meanwhile gets a write
   conflict, and the whole transaction runs again on what is true then;
3. every write repeats its condition (`stock >= n`, `status = pending`) and counts what it matched. The orders were read
   before the transaction began, so this is what finds one that is not pending any more. Whenever it runs again, it
   reads them itself;
4. the ledger's `_id` is made of the order and the SKU, so that a second effect of one order can't be written.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from pymongo import ASCENDING, InsertOne, UpdateMany
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.domain.allocation import Confirmed, Decision, Offer, PendingOrder, decide, stock_taken
from shared.domain.money import Money
from shared.domain.movement import Movement, MovementKind
from shared.domain.order import Status
from shared.domain.product import is_low
from shared.domain.warning import Warn
from shared.slices import slices
from shared.store.connection import Document
from shared.store.documents import (
    history_value,
    items_value,
    level_value,
    money_value,
    movement_document,
    pending_order_from,
    reason_value,
    value_by_id,
)
from shared.store.errors import outage_as_unavailable
from shared.store.products import read_products, write_listings
from shared.store.transaction import RunAgain, check_all, run_transaction

ALIKE_MIN = 5
"""So many decisions with the same outcome have an update of their own; the others share some, which look up the outcome
of each order: that costs less than another statement, and more than an outcome that all share."""

LOOK_UP_MAX = 50
"""Keys that a statement looks through for each of its documents. With half or twice as many it costs the same."""


@dataclass(frozen=True, slots=True)
class Decided:
    """`ran_low`: the stock that each SKU has left which fell to its low-stock threshold by these decisions.

    `runs`: of the transaction, until it met no conflict.
    """

    decisions: list[Decision]
    ran_low: dict[str, int]
    runs: int


def decide_pending(
    database: Database[Document],
    orders: Sequence[PendingOrder],
    *,
    at: datetime,
    warn: Warn,
) -> Decided:
    """Decide those of the orders that are still pending, in their order, in one transaction.

    `warn` is told the SKUs of which stock is taken, at each attempt.

    Orders that are not pending any more are passed over, so that a second delivery has no effect.
    Raises `Unavailable`, `OrderUnreadable`; with any other error, too, one of the orders is at fault.
    """

    runs = count(1)

    def transact(session: ClientSession) -> Decided:
        run = next(runs)
        pending = orders if run == 1 else read_pending(database, [order.order_id for order in orders], session)
        offers = _read_offers(database, pending, session)
        decisions = decide(pending, offers)
        taken = stock_taken(decisions)
        if decisions:
            _take_stock(database, offers, taken, at, session)
            close = warn(taken)
            matched = _write_statuses(database, decisions, at, session)
            if run == 1 and matched < len(decisions):
                raise RunAgain
            check_all("orders", matched, len(decisions))
            _write_ledger(database, decisions, at, session)
            close()
        return Decided(decisions, _ran_low(offers, taken), run)

    return run_transaction(database, transact)


def read_pending(
    database: Database[Document], order_ids: Sequence[str], session: ClientSession | None = None
) -> list[PendingOrder]:
    """Those of the orders that are pending, in order of acceptance. Raises `Unavailable`, `OrderUnreadable`.

    Order ids are UUIDv7: sorted by id is sorted by the time of acceptance.
    """
    with nullcontext() if session else outage_as_unavailable():
        found = database.orders.find(
            {"_id": {"$in": list(order_ids)}, "status": Status.PENDING.value},
            {"items": 1},
            sort=[("_id", ASCENDING)],
            session=session,
            batch_size=len(order_ids) + 1,  # all in one round trip
        ).to_list()
    return [pending_order_from(document) for document in found]


def _read_offers(
    database: Database[Document], orders: Iterable[PendingOrder], session: ClientSession
) -> dict[str, Offer]:
    skus = sorted({line.sku for order in orders for line in order.items})
    if not skus:
        return {}
    found = database.products.find(
        {"_id": {"$in": skus}, "archived_at": None},
        {"price": 1, "stock": 1, "low_stock_threshold": 1},
        session=session,
        batch_size=len(skus) + 1,
    )
    return {
        document["_id"]: Offer(Money(**document["price"]), document["stock"], document["low_stock_threshold"])
        for document in found
    }


def _take_stock(
    database: Database[Document],
    offers: Mapping[str, Offer],
    taken: Mapping[str, int],
    at: datetime,
    session: ClientSession,
) -> None:
    """First of the writes, and in ascending order of SKU, as the index on `_id` has it: who loses a conflict loses it
    early, and no two cross.
    """
    if not taken:
        return
    crossed = _crossed(offers, taken)
    updates = [_update_stock({sku: taken[sku] for sku in part}, at) for part in slices(list(taken), LOOK_UP_MAX)]
    updates += [_update_level({sku: crossed[sku] for sku in part}) for part in slices(list(crossed), LOOK_UP_MAX)]
    result = database.products.bulk_write(updates, session=session)
    check_all("products", result.matched_count, len(taken) + len(crossed))
    if crossed:
        write_listings(database, read_products(database, list(crossed), session).values(), session)


def _crossed(offers: Mapping[str, Offer], taken: Mapping[str, int]) -> dict[str, Document]:
    """The new level of each SKU that sells out or runs low, from the snapshot: whoever moved its stock meanwhile makes
    the write conflict.
    """
    levels = {sku: (_level(offers[sku], 0), _level(offers[sku], quantity)) for sku, quantity in taken.items()}
    return {sku: after for sku, (before, after) in levels.items() if before != after}


def _level(offer: Offer, taken: int) -> Document:
    return level_value(offer.stock - taken, offer.low_stock_threshold)


def _update_stock(taken: Mapping[str, int], at: datetime) -> UpdateMany:
    quantity = value_by_id(taken)
    enough = {"$expr": {"$gte": ["$stock", quantity]}}
    fields = {
        "stock": {"$subtract": ["$stock", quantity]},
        "version": {"$add": ["$version", 1]},
        "updated_at": at,
    }
    return UpdateMany({"_id": {"$in": list(taken)}, "archived_at": None, **enough}, [{"$set": fields}])


def _update_level(levels: Mapping[str, Document]) -> UpdateMany:
    listing = {"$mergeObjects": ["$listing", value_by_id(levels)]}
    return UpdateMany({"_id": {"$in": list(levels)}}, [{"$set": {"listing": listing}}])


def _ran_low(offers: Mapping[str, Offer], taken: Mapping[str, int]) -> dict[str, int]:
    left = {sku: offers[sku].stock - quantity for sku, quantity in taken.items()}
    return {
        sku: stock
        for sku, stock in left.items()
        if is_low(stock, offers[sku].low_stock_threshold)
        and not is_low(offers[sku].stock, offers[sku].low_stock_threshold)
    }


def _write_ledger(
    database: Database[Document], decisions: Iterable[Decision], at: datetime, session: ClientSession
) -> None:
    sales = [
        InsertOne(movement_document(Movement(decision.order_id, line.sku, MovementKind.SALE, -line.quantity, at)))
        for decision in decisions
        if isinstance(decision, Confirmed)
        for line in decision.items
    ]
    if sales:
        database.stock_movements.bulk_write(sales, ordered=False, session=session)


def _write_statuses(
    database: Database[Document], decisions: Sequence[Decision], at: datetime, session: ClientSession
) -> int:
    """How many orders were still pending."""
    groups = list(_by_outcome(decisions))
    updates = [_update_alike(alike, at) for alike in groups if len(alike) >= ALIKE_MIN]
    others = [decision for alike in groups if len(alike) < ALIKE_MIN for decision in alike]
    updates += [_update_each(part, at) for part in slices(others, LOOK_UP_MAX)]
    return database.orders.bulk_write(updates, ordered=False, session=session).matched_count


def _by_outcome(decisions: Iterable[Decision]) -> Iterable[list[Decision]]:
    """Of a product that everybody wants nearly all have the same outcome."""
    groups: dict[object, list[Decision]] = {}
    for decision in decisions:
        outcome = (decision.items, decision.total) if isinstance(decision, Confirmed) else decision.reason
        groups.setdefault(outcome, []).append(decision)
    return groups.values()


def _update_alike(decisions: Sequence[Decision], at: datetime) -> UpdateMany:
    outcome = _outcome(decisions[0], at)
    return UpdateMany(_still_pending(decisions), {"$set": outcome["fields"], "$push": {"history": outcome["entry"]}})


def _update_each(decisions: Sequence[Decision], at: datetime) -> UpdateMany:
    """Each to its own outcome: a statement for each order costs MongoDB several times as much."""
    outcome = value_by_id({decision.order_id: _outcome(decision, at) for decision in decisions})
    so_far = {"$ifNull": ["$history", []]}  # a damaged order's may be missing: without this its new one would be null
    history = {"$concatArrays": [so_far, ["$$outcome.entry"]]}
    merged = {"$mergeObjects": ["$$ROOT", "$$outcome.fields", {"history": history}]}
    return UpdateMany(
        _still_pending(decisions), [{"$replaceWith": {"$let": {"vars": {"outcome": outcome}, "in": merged}}}]
    )


def _still_pending(decisions: Iterable[Decision]) -> Document:
    return {"_id": {"$in": [decision.order_id for decision in decisions]}, "status": Status.PENDING.value}


def _outcome(decision: Decision, at: datetime) -> Document:
    """The fields of the order that change, and the new entry of its history."""
    if isinstance(decision, Confirmed):
        status = Status.CONFIRMED
        fields: Document = {"items": items_value(decision.items), "total": money_value(decision.total)}
    else:
        status = Status.REJECTED
        fields = {"reason": reason_value(decision.reason)}
    return {
        "fields": {"status": status.value, **fields, "updated_at": at},
        "entry": history_value(status, at),
    }
