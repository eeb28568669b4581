"""Retrying many: outages end it in order, with what was done told and announced."""

import pytest

from shared.domain.errors import OrderNotRetryable, Unavailable
from shared.services.retry_order import RetriedOrders, retry_orders
from tests.builders import an_order, settings

ORDERS = {f"order-{n}": an_order(order_id=f"order-{n}") for n in range(1_200)}


class Announcements:
    """Keeps the messages, and refuses those after the first `until`."""

    def __init__(self, until: int = 10) -> None:
        self.messages: list[int] = []
        self.until = until

    def __call__(self, order_ids) -> None:
        if len(self.messages) == self.until:
            raise Unavailable("the broker")
        self.messages.append(len(order_ids))


@pytest.fixture
def store(monkeypatch) -> dict[str, Exception]:
    """Errors by order id; tests put them there."""
    errors: dict[str, Exception] = {}

    def reopen_order(_database, order_id, **_):
        if order_id in errors:
            raise errors[order_id]
        return ORDERS[order_id]

    monkeypatch.setattr("shared.services.retry_order.reopen_order", reopen_order)
    return errors


def retried(announce: Announcements, count: int) -> RetriedOrders:
    return retry_orders(None, announce, settings(), list(ORDERS)[:count], by="cli:olga")


def test_a_refusal_is_an_outcome_at_its_place(store):
    refusal = store["order-1"] = OrderNotRetryable("order-1", "confirmed")
    announce = Announcements()
    assert retried(announce, 3) == RetriedOrders([ORDERS["order-0"], refusal, ORDERS["order-2"]], 2, None)
    assert announce.messages == [2]


def test_what_was_reopened_before_an_outage_is_announced(store):
    outage = store["order-2"] = Unavailable("MongoDB")
    announce = Announcements()
    assert retried(announce, 5) == RetriedOrders([ORDERS["order-0"], ORDERS["order-1"]], 2, outage)
    assert announce.messages == [2]


@pytest.mark.usefixtures("store")
def test_a_message_has_500_at_the_most_and_the_rest_is_the_sweepers_when_the_broker_goes():
    assert retried(announce := Announcements(), 1_200).announced == 1_200
    assert announce.messages == [500, 500, 200]
    assert retried(Announcements(until=1), 1_200).announced == 500


def test_nothing_to_announce_is_no_message(store):
    store["order-0"] = OrderNotRetryable("order-0", "confirmed")
    announce = Announcements()
    retried(announce, 1)
    assert announce.messages == []
