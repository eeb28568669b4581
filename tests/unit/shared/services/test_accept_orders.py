"""Accepting orders: stored once, announced once, and a repeated key answered with the first order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.domain.errors import IdempotencyKeyReuse, Unavailable
from shared.domain.idempotency import idempotency_of
from shared.domain.order import Line, Status
from shared.queue import Announcement
from shared.services.accept_orders import OrderAcceptor, OrderRequest, request_of
from shared.services.backpressure import Backpressure
from tests.builders import a_line, an_order, settings


class Announcements:
    """Stands in for the announcer."""

    def __init__(self) -> None:
        self.order_ids: list[str] = []

    def announce(self, announcements: list[Announcement]) -> None:
        self.order_ids += [announcement.order_id for announcement in announcements]

    def close(self, timeout_seconds: float) -> None:
        pass


@pytest.fixture
def announcements() -> Announcements:
    return Announcements()


@pytest.fixture
def acceptor(database, announcements) -> Iterator[OrderAcceptor]:
    acceptor = OrderAcceptor(database, announcements, Backpressure(database, pending_seconds_max=0), settings())
    yield acceptor
    acceptor.close(5)


def accept(acceptor: OrderAcceptor, *lines: Line, customer="alice", reference=None, key=None):
    return acceptor.accept(customer, OrderRequest(lines or [a_line()], reference, key))


def test_an_accepted_order_is_pending_stored_and_announced(acceptor, database, announcements):
    accepted = accept(acceptor, a_line("MUG-01", 2))
    assert not accepted.replayed
    assert accepted.order.status is Status.PENDING
    assert accepted.order.items == (Line("MUG-01", 2),)
    assert [document["_id"] for document in database.orders.find()] == [accepted.order.order_id]
    assert announcements.order_ids == [accepted.order.order_id]


def test_order_ids_ascend_in_order_of_acceptance(acceptor):
    order_ids = [accept(acceptor).order.order_id for _ in range(20)]
    assert order_ids == sorted(set(order_ids))


def test_the_same_request_with_the_same_key_is_answered_with_the_first_order(acceptor, database, announcements):
    first, second = accept(acceptor, key="k"), accept(acceptor, key="k")
    assert second.replayed
    assert second.order == first.order
    assert database.orders.count_documents({}) == 1
    assert announcements.order_ids == [first.order.order_id]


def test_another_request_with_the_same_key_is_refused_and_stores_nothing(acceptor, database, announcements):
    first = accept(acceptor, a_line(quantity=1), key="k")
    with pytest.raises(IdempotencyKeyReuse) as refusal:
        accept(acceptor, a_line(quantity=2), key="k")
    assert refusal.value.key == "k"
    assert [document["_id"] for document in database.orders.find()] == [first.order.order_id]
    assert announcements.order_ids == [first.order.order_id]


def test_twenty_at_once_with_one_key_make_one_order(acceptor, database):
    with ThreadPoolExecutor(20) as pool:
        accepted = list(pool.map(lambda _: accept(acceptor, key="k"), range(20)))
    assert len({one.order.order_id for one in accepted}) == 1
    assert sum(not one.replayed for one in accepted) == 1
    assert database.orders.count_documents({}) == 1


def test_an_outage_is_raised_and_nothing_is_announced(announcements):
    class Down:
        @property
        def orders(self):
            raise Unavailable("MongoDB")

    acceptor = OrderAcceptor(Down(), announcements, Backpressure(Down(), pending_seconds_max=0), settings())
    with pytest.raises(Unavailable):
        accept(acceptor)
    acceptor.close(5)
    assert announcements.order_ids == []


def test_a_closed_acceptor_takes_nothing_in(acceptor, database):
    acceptor.close(5)
    with pytest.raises(Unavailable):
        accept(acceptor)
    assert database.orders.count_documents({}) == 0


A, B = a_line("a", 1), a_line("b", 2)


def fingerprint_of(order):
    return idempotency_of("key", request_of(order)).fingerprint


def test_the_fingerprint_is_of_what_is_asked_for_not_of_how_it_is_written():
    assert fingerprint_of(an_order(A, B)) == fingerprint_of(an_order(B, A))
    assert fingerprint_of(an_order(a_line("a", 2))) == fingerprint_of(an_order(A, A))


@pytest.mark.parametrize(
    "other",
    [an_order(A), an_order(a_line("a", 2), B), an_order(a_line("c", 1), B), an_order(A, B, reference="r")],
)
def test_what_asks_for_something_else_has_another_fingerprint(other):
    assert fingerprint_of(other) != fingerprint_of(an_order(A, B))


def test_a_fingerprint_is_the_same_in_every_process_and_version():
    assert fingerprint_of(an_order(A, B, reference="é")) == (
        "58321de76de774bd4bc15f0d084416c1bc5037ab60d132ca848af93e11cf02fd"
    )
