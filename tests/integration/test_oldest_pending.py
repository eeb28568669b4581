"""How long the oldest pending order has waited: told by few looks, and not taken in by old orders that were retried."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import QueueTooLong
from shared.domain.order import Status, first_order_id
from shared.services.backpressure import Backpressure
from shared.services.check_health import check_health
from shared.store.connection import Document
from shared.store.oldest_pending import LOOKS, oldest_pending
from shared.store.orders import Submission, insert_orders, reopen_order
from tests.builders import an_order

FEW, MANY = LOOKS
numbers = count()


def accepted(database: Database[Document], at: datetime, count: int = 1, status: Status = Status.PENDING) -> list[str]:
    """The ids of so many orders, which were accepted then, at intervals of a millisecond."""
    times = [at + timedelta(milliseconds=number) for number in range(count)]
    orders = [
        an_order(
            order_id=f"{first_order_id(time)}-7000-8000-{next(numbers):012x}",
            created_at=time,
            updated_at=time,
            status=status,
        )
        for time in times
    ]
    insert_orders(database, [Submission(order, None) for order in orders], announce_after_seconds=10)
    return [order.order_id for order in orders]


def reopened(database: Database[Document], at: datetime, count: int) -> list[str]:
    """The ids of orders of yesterday that an operator retried at this time, and a millisecond later each."""
    order_ids = accepted(database, at - timedelta(days=1), count, Status.FAILED)
    for number, order_id in enumerate(order_ids):
        retried_at = at + timedelta(milliseconds=number)
        reopen_order(database, order_id, by="olga", at=retried_at, announce_after_seconds=10)
    return order_ids


def told(database: Database[Document]) -> str:
    oldest = oldest_pending(database)
    assert oldest is not None
    return oldest.order_id


def is_refused(database: Database[Document]) -> bool:
    backpressure = Backpressure(database, pending_seconds_max=60)
    backpressure.look()
    try:
        backpressure.check()
    except QueueTooLong:
        return True
    return False


def test_retried_orders_do_not_look_as_old_as_they_are(database: Database[Document]) -> None:
    reopened(database, now() - timedelta(seconds=5), 150)

    check = check_health(database, {}).checks["oldest_pending_order"]

    assert check.state == "ok"
    assert 5 <= check.figures["age_seconds"] < 30
    assert not is_refused(database)


@pytest.mark.parametrize("retried", [1, FEW - 1, FEW, 150, MANY - 1])
def test_nor_do_they_hide_one_that_waits_longer(database: Database[Document], retried: int) -> None:
    reopened(database, now() - timedelta(seconds=5), retried)
    [waiting, *_] = accepted(database, now() - timedelta(minutes=2), 20)

    assert told(database) == waiting
    check = check_health(database, {}).checks["oldest_pending_order"]
    assert check.state == "late"
    assert 120 <= check.figures["age_seconds"] < 150
    assert is_refused(database)


def test_a_retried_order_may_be_the_one_that_waits_longest(database: Database[Document]) -> None:
    """It stands neither first nor last among those that were accepted before and after it."""
    reopened(database, now() - timedelta(seconds=5), 150)
    first, *_ = reopened(database, now() - timedelta(minutes=3), 3)
    accepted(database, now() - timedelta(minutes=2), 20)

    assert told(database) == first


def test_more_retried_orders_than_are_looked_at_make_it_younger_until_they_are_decided(
    database: Database[Document],
) -> None:
    """Never older, and of those that are looked at it is exact: what waits in vain does grow old."""
    order_ids = reopened(database, now() - timedelta(seconds=20), MANY + 1)
    [waiting] = accepted(database, now() - timedelta(minutes=2))

    assert told(database) == order_ids[0]
    database.orders.update_many({"_id": {"$in": order_ids[:2]}}, {"$set": {"status": "confirmed"}})
    assert told(database) == waiting


@pytest.mark.parametrize(
    ("retried", "documents"), [(0, FEW), (FEW // 2, FEW), (FEW, FEW + MANY), (2 * MANY, FEW + MANY)]
)
def test_it_costs_the_same_however_many_are_pending(database: Database[Document], retried: int, documents: int) -> None:
    accepted(database, now() - timedelta(minutes=3), 5_000, Status.CONFIRMED)
    accepted(database, now() - timedelta(minutes=2), 5_000)
    if retried:
        reopened(database, now() - timedelta(seconds=5), retried)

    database.command("profile", 2)
    told(database)
    database.command("profile", 0)

    looks = list(database["system.profile"].find({"op": "query", "ns": f"{database.name}.orders"}))
    assert {look["planSummary"] for look in looks} == {"IXSCAN { status: 1, _id: 1 }"}
    assert sum(look["docsExamined"] for look in looks) == documents
    assert sum(look["keysExamined"] for look in looks) == documents
