"""Attempts are counted on pending orders alone, with the error of the last one, and by one worker each."""

import pytest
from pymongo.errors import WriteError

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.domain.order import HistoryEntry, Order, Reason, ReasonCode, Status
from shared.store.attempts import Suspect, count_attempt, fail_order, find_suspects, leave_name, take_name_back
from shared.store.documents import order_document
from shared.store.orders import find_order
from tests.builders import an_order

EXHAUSTED = Reason(ReasonCode.ATTEMPTS_EXHAUSTED)
FINAL = [Status.CONFIRMED, Status.REJECTED, Status.FAILED, Status.CANCELLED]


@pytest.fixture
def store(database):
    def store(order: Order | None = None) -> str:
        order = order or an_order()
        database.orders.insert_one(order_document(order, announce_after_seconds=10))
        return order.order_id

    return store


def count(database, order_id: str, **options: str) -> int | None:
    return count_attempt(database, order_id, error="KeyError: x", worker="w1", at=now(), **options)


def test_an_attempt_is_counted_with_its_error_time_and_worker(database, store):
    order_id, at = store(), now()
    assert count_attempt(database, order_id, error="KeyError: x", worker="w1", at=at) == 1
    assert count_attempt(database, order_id, error="KeyError: y", worker="w2", at=at) == 2
    document = database.orders.find_one()
    assert (document["attempts"], document["status"]) == (2, "pending")
    assert (document["error"]["text"], document["error"]["worker"]) == ("KeyError: y", "w2")


@pytest.mark.parametrize("status", FINAL)
def test_of_an_order_that_is_not_pending_nothing_is_counted(database, store, status):
    order_id = store(an_order(status=status))
    before = database.orders.find_one()
    assert count(database, order_id) is None
    assert database.orders.find_one() == before


def test_a_name_that_two_find_is_counted_by_one(database, store):
    order_id = store()
    leave_name(database, [order_id], worker="dead")
    assert [count(database, order_id, tried_by="dead") for _ in range(2)] == [1, None]
    assert "tried_by" not in database.orders.find_one()


def test_suspects_failed_before_or_have_the_name_of_another_on_them(database, store):
    new, mine, of_another, failed_before = store(), store(), store(), store()
    decided = store(an_order(status=Status.CONFIRMED))
    database.orders.update_one({"_id": decided}, {"$set": {"tried_by": "dead"}})
    leave_name(database, [mine], worker="me")
    leave_name(database, [of_another, decided], worker="dead")
    count(database, failed_before)
    everyone = [new, mine, of_another, failed_before, decided]
    assert find_suspects(database, everyone, worker="me") == [
        Suspect(of_another, 0, "dead"),
        Suspect(failed_before, 1, None),
    ]


def test_a_worker_takes_back_its_own_name_alone(database, store):
    mine, of_another = store(), store()
    leave_name(database, [mine], worker="me")
    leave_name(database, [of_another], worker="dead")
    take_name_back(database, [mine, of_another], worker="me")
    assert [order.get("tried_by") for order in database.orders.find(sort=[("_id", 1)])] == [None, "dead"]


def test_a_pending_order_is_failed_with_its_reason(database, store):
    order, at = an_order(), now()
    store(order)
    assert fail_order(database, order.order_id, EXHAUSTED, at=at)
    failed = find_order(database, order.order_id)
    assert (failed.status, failed.reason, failed.updated_at) == (Status.FAILED, EXHAUSTED, at)
    assert failed.history == (*order.history, HistoryEntry(Status.FAILED, at))


@pytest.mark.parametrize("status", FINAL)
def test_an_order_that_is_not_pending_is_not_failed(database, store, status):
    order = an_order(status=status)
    store(order)
    assert not fail_order(database, order.order_id, EXHAUSTED, at=now())
    assert find_order(database, order.order_id) == order


def test_a_write_that_is_refused_for_another_reason_takes_no_history(database, store, monkeypatch):
    order_id = store()
    updates = []

    def refuse(_self, _condition, update, **_):
        updates.append(update)
        raise WriteError("no room", 14031)

    monkeypatch.setattr("mongomock.Collection.update_one", refuse)
    with pytest.raises(Unavailable):
        fail_order(database, order_id, EXHAUSTED, at=now())
    assert len(updates) == 1
