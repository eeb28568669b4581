"""Which pending order has waited for longest; `tests/integration` has what it costs, and many orders."""

from datetime import timedelta

from shared.clock import now
from shared.domain.order import Status
from shared.store.documents import order_document
from shared.store.oldest_pending import OldestPending, oldest_pending
from tests.builders import an_order


def store(database, *orders):
    database.orders.insert_many([order_document(order, announce_after_seconds=10) for order in orders])


def test_it_is_the_first_accepted_one_that_is_pending(database):
    assert oldest_pending(database) is None
    done, first, second = an_order(status=Status.CONFIRMED), an_order(), an_order()
    store(database, second, first, done)
    assert oldest_pending(database) == OldestPending(first.order_id, first.created_at)


def test_one_that_was_retried_waits_since_then(database):
    retried, waiting = an_order(), an_order()
    store(database, retried, waiting)
    database.orders.update_one({"_id": retried.order_id}, {"$set": {"updated_at": now() + timedelta(seconds=5)}})
    assert oldest_pending(database) == OldestPending(waiting.order_id, waiting.created_at)


def test_one_that_has_no_time_says_nothing(database):
    damaged, waiting = an_order(), an_order()
    store(database, damaged, waiting)
    database.orders.update_one({"_id": damaged.order_id}, {"$unset": {"updated_at": ""}})
    assert oldest_pending(database) == OldestPending(waiting.order_id, waiting.created_at)


def test_an_id_of_another_type_hides_no_order(database):
    """Numbers come before all texts."""
    waiting = an_order()
    by_hand = [{**order_document(an_order(), announce_after_seconds=10), "_id": number} for number in range(20)]
    database.orders.insert_many(by_hand)
    store(database, waiting)
    database.orders.update_one({"_id": waiting.order_id}, {"$set": {"updated_at": now() - timedelta(minutes=1)}})
    oldest = oldest_pending(database)
    assert oldest is not None
    assert oldest.order_id == waiting.order_id
