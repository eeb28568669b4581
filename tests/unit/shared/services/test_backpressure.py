"""New orders are refused while the oldest pending one has waited for too long, and only if that is wanted."""

from datetime import timedelta

import pytest

from shared.clock import now
from shared.domain.errors import QueueTooLong, Unavailable
from shared.domain.order import Status
from shared.services.backpressure import Backpressure
from shared.store.documents import order_document
from tests.builders import an_order, bearer

ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}


@pytest.fixture
def pending_for(database):
    """`pending_for(seconds)`: stores an order that has been pending for so long."""

    def pending_for(seconds: int, status: Status = Status.PENDING) -> str:
        since = now() - timedelta(seconds=seconds)
        order = an_order(created_at=since, updated_at=since, status=status)
        database.orders.insert_one(order_document(order, announce_after_seconds=10))
        return order.order_id

    return pending_for


def looking(database, seconds_max: int) -> Backpressure:
    backpressure = Backpressure(database, pending_seconds_max=seconds_max)
    backpressure.look()
    return backpressure


def test_it_says_how_long_the_queue_is(database, pending_for):
    pending_for(90)
    with pytest.raises(QueueTooLong) as refusal:
        looking(database, 60).check()
    assert refusal.value.waited_seconds == pytest.approx(90, abs=5)
    assert refusal.value.limit_seconds == 60


@pytest.mark.parametrize(("seconds", "seconds_max"), [(50, 60), (90, 0), (100_000, 0)])
def test_a_short_queue_and_one_of_any_length_when_it_is_off_is_no_reason(database, pending_for, seconds, seconds_max):
    pending_for(seconds)
    looking(database, seconds_max).check()


def test_a_decided_order_does_not_wait(database, pending_for):
    pending_for(90, Status.CONFIRMED)
    looking(database, 60).check()


def test_it_ends_with_the_queue(database, pending_for):
    order_id = pending_for(90)
    backpressure = looking(database, 60)
    database.orders.delete_one({"_id": order_id})
    backpressure.look()
    backpressure.check()


def test_while_it_looks_what_it_saw_before_holds(database, pending_for, monkeypatch):
    pending_for(90)
    backpressure = looking(database, 60)

    def look(_: object) -> None:
        with pytest.raises(QueueTooLong):
            backpressure.check()

    monkeypatch.setattr("shared.services.backpressure.oldest_pending", look)
    backpressure.look()
    backpressure.check()


def test_while_nobody_can_tell_nobody_is_refused(database, pending_for, monkeypatch):
    pending_for(90)
    backpressure = looking(database, 60)

    def unavailable(_: object) -> None:
        raise Unavailable("MongoDB")

    monkeypatch.setattr("shared.services.backpressure.oldest_pending", unavailable)
    with pytest.raises(Unavailable):
        backpressure.look()
    backpressure.check()


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("/v1/orders", ORDER),
        ("/v1/orders/bulk", {"orders": [ORDER]}),
        ("/v1/products/MUG-01/purchase", {"quantity": 1}),
    ],
)
def test_a_client_is_told_when_to_try_again(client, resources, database, pending_for, monkeypatch, address, body):
    pending_for(40)
    monkeypatch.setattr(resources.acceptor, "_backpressure", looking(database, 30))
    monkeypatch.setattr("api.orders.check_sku", lambda _: None)
    response = client.post(address, json=body, headers=bearer())
    assert (response.status_code, response.json["type"]) == (503, "/problems/queue-too-long")
    assert response.json["oldest_pending_seconds"] in range(40, 45)
    assert response.json["limit_seconds"] == 30
    assert int(response.headers["Retry-After"]) in range(20, 24)
    assert database.orders.count_documents({}) == 1
