"""Inserting orders in batches: the outcome of each, at its place."""

import pytest
from pymongo.errors import BulkWriteError

from shared.domain.errors import OrderNotFound, Unavailable, WriteRefused
from shared.domain.idempotency import Idempotency
from shared.domain.order import Order
from shared.store.orders import (
    FirstOrder,
    Submission,
    find_order,
    insert_orders,
)
from tests.builders import an_order


def insert(database, *submissions: Submission):
    return insert_orders(database, submissions, announce_after_seconds=10)


def stored(database) -> set[str]:
    return {document["_id"] for document in database.orders.find()}


def keyed(key: str, *, fingerprint: str = "f", customer: str = "alice") -> Submission:
    return Submission(an_order(customer=customer), Idempotency(key, fingerprint))


def plain(order: Order | None = None) -> Submission:
    return Submission(order or an_order(), None)


def test_orders_are_stored_and_are_their_own_outcomes(database):
    first, second = plain(), keyed("k")
    assert insert(database, first, second) == [first.order, second.order]
    assert stored(database) == {first.order.order_id, second.order.order_id}
    assert find_order(database, second.order.order_id) == second.order


def test_a_second_order_with_a_key_gets_the_first_one_and_is_not_stored(database):
    first, second = keyed("k", fingerprint="one"), keyed("k", fingerprint="two")
    insert(database, first)
    assert insert(database, second) == [FirstOrder(first.order, "one")]
    assert stored(database) == {first.order.order_id}


def test_twice_the_same_key_in_one_batch_makes_one_order(database):
    first, second, other = keyed("k"), keyed("k"), plain()
    assert insert(database, first, second, other) == [first.order, FirstOrder(first.order, "f"), other.order]
    assert stored(database) == {first.order.order_id, other.order.order_id}


def test_a_key_is_the_customers_own(database):
    alice, bob = keyed("k", customer="alice"), keyed("k", customer="bob")
    assert insert(database, alice, bob) == [alice.order, bob.order]


def test_a_batch_that_is_repeated_has_the_same_outcomes(database):
    batch = plain(), keyed("k")
    assert insert(database, *batch) == insert(database, *batch)
    assert len(stored(database)) == 2


class RefusingOrders:
    """Stands in for the database: its insert reports what a test says."""

    def __init__(self, *, write_errors=(), write_concern_errors=()) -> None:
        self.orders = self
        self.details = {"writeErrors": list(write_errors), "writeConcernErrors": list(write_concern_errors)}

    def insert_many(self, _documents, *, ordered: bool) -> None:
        assert not ordered
        raise BulkWriteError(self.details)


def test_a_document_that_mongodb_refuses_is_the_refusal_of_its_order_alone():
    first, second = plain(), plain()
    outcomes = insert(RefusingOrders(write_errors=[{"index": 1, "code": 10334}]), first, second)
    assert outcomes[0] == first.order
    assert isinstance(outcomes[1], WriteRefused)
    assert outcomes[1].code == 10334


def test_what_may_not_be_on_a_majority_is_not_accepted():
    database = RefusingOrders(write_concern_errors=[{"code": 64, "errmsg": "waiting for replication timed out"}])
    with pytest.raises(Unavailable):
        insert(database, plain())


def test_an_unknown_order_is_not_found(database):
    with pytest.raises(OrderNotFound):
        find_order(database, "no-such-order")
