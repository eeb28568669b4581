"""Accepting on a real MongoDB: each request gets the outcome of its own order, and how many commands that takes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.database import Database

from shared.domain.errors import IdempotencyKeyReuse, WriteRefused
from shared.domain.idempotency import Idempotency
from shared.domain.order import Order
from shared.queue import Announcer, make_celery
from shared.services.accept_orders import Accepted, OrderAcceptor, OrderRequest
from shared.services.backpressure import Backpressure
from shared.store.connection import Document, connect
from shared.store.orders import FirstOrder, Submission, insert_orders
from tests.builders import a_line, an_order, settings
from tests.mongo import CommandCounter

Accept = Callable[..., Accepted]


@pytest.fixture
def acceptor(database: Database[Document], broker_url: str) -> Iterator[OrderAcceptor]:
    announcer = Announcer(make_celery(settings(redis_broker_url=broker_url)))
    acceptor = OrderAcceptor(database, announcer, Backpressure(database, pending_seconds_max=0), settings())
    yield acceptor
    acceptor.close(10)


def accept(acceptor: OrderAcceptor, customer: str = "alice", *, key: str | None = None, quantity: int = 1) -> Accepted:
    return acceptor.accept(customer, OrderRequest([a_line("MUG", quantity)], idempotency_key=key))


def test_requests_side_by_side_each_get_their_own_order(database: Database[Document], acceptor: OrderAcceptor) -> None:
    with ThreadPoolExecutor(50) as pool:
        accepted = list(pool.map(lambda n: accept(acceptor, f"buyer-{n}", quantity=n + 1), range(200)))

    assert [answer.order.customer for answer in accepted] == [f"buyer-{n}" for n in range(200)]
    assert not any(answer.replayed for answer in accepted)
    stored = {order["_id"]: order for order in database.orders.find()}
    assert len(stored) == 200
    for n, answer in enumerate(accepted):
        document = stored[answer.order.order_id]
        assert (document["customer"], document["items"][0]["quantity"]) == (f"buyer-{n}", n + 1)
        assert document["created_at"] == answer.order.created_at


def test_twenty_equal_requests_at_once_make_one_order(database: Database[Document], acceptor: OrderAcceptor) -> None:
    with ThreadPoolExecutor(20) as pool:
        accepted = list(pool.map(lambda _: accept(acceptor, key="one"), range(20)))

    assert len({answer.order.order_id for answer in accepted}) == 1
    assert sorted(answer.replayed for answer in accepted) == [False] + [True] * 19
    assert database.orders.count_documents({}) == 1


def test_one_key_for_another_request_is_refused_and_for_another_caller_is_another_order(
    acceptor: OrderAcceptor,
) -> None:
    first = accept(acceptor, key="one")

    with pytest.raises(IdempotencyKeyReuse):
        accept(acceptor, key="one", quantity=2)

    assert accept(acceptor, "bob", key="one").order.order_id != first.order.order_id


def test_in_one_batch_each_document_has_its_own_outcome(database: Database[Document]) -> None:
    """New, first with a key, duplicate of that, duplicate of an older one, and one that MongoDB refuses."""
    older, new, first, second, repeat, refused = (an_order(a_line("MUG", n + 1)) for n in range(6))
    insert_orders(database, [keyed(older, "old")], announce_after_seconds=10)
    database.command("collMod", "orders", validator={"reference": {"$ne": "refuse me"}})
    refused = an_order(reference="refuse me")

    outcomes = insert_orders(
        database,
        [Submission(new, None), keyed(first, "k"), keyed(second, "k"), keyed(repeat, "old"), Submission(refused, None)],
        announce_after_seconds=10,
    )

    assert outcomes[0] == new
    assert outcomes[1] == first
    assert outcomes[2] == FirstOrder(first, "fingerprint")
    assert outcomes[3] == FirstOrder(older, "fingerprint")
    assert isinstance(outcomes[4], WriteRefused)
    assert {document["_id"] for document in database.orders.find()} == {older.order_id, new.order_id, first.order_id}


def test_repeating_an_insert_changes_nothing(database: Database[Document]) -> None:
    """A batch that failed half-way is committed again; what it had stored counts as stored."""
    submissions = [Submission(an_order(), None), keyed(an_order(), "k")]
    first = insert_orders(database, submissions, announce_after_seconds=10)
    again = insert_orders(database, submissions, announce_after_seconds=10)
    assert again == first
    assert database.orders.count_documents({}) == 2


def test_an_order_that_can_not_be_encoded_fails_alone(database: Database[Document], acceptor: OrderAcceptor) -> None:
    """A lone surrogate is no UTF-8, so the driver refuses the whole batch; the others must not suffer for it."""

    def one(n: int) -> Accepted | Exception:
        try:
            return accept(acceptor, "\ud800" if n == 7 else f"buyer-{n}")
        except Exception as error:  # noqa: BLE001 - the error is what the test looks at
            return error

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(one, range(20)))

    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Exception)] == [7]
    assert database.orders.count_documents({}) == 19


@pytest.mark.usefixtures("database")
def test_accepting_takes_one_command_a_batch_and_a_repeated_key_one_read_more(mongo_url: str) -> None:
    counter = CommandCounter()
    counted = connect(mongo_url, timeout_milliseconds=20_000, listeners=[counter])
    submissions = [keyed(an_order(), f"key-{n}") for n in range(150)]

    with counter.counting() as commands:
        insert_orders(counted, submissions, announce_after_seconds=10)
    assert commands == {"insert": 1}

    repeated = [keyed(an_order(), f"key-{n}") for n in range(150)]
    with counter.counting() as commands:
        insert_orders(counted, repeated, announce_after_seconds=10)
    assert commands == {"insert": 1, "find": 1}
    counted.client.close()


def keyed(order: Order, key: str) -> Submission:
    return Submission(order, Idempotency(key, "fingerprint"))
