"""What surrounds the deciding transaction. The transaction itself needs a real MongoDB: see tests/integration."""

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime

import pytest

from shared.cpu_idle import SpareCpu
from shared.domain.allocation import Confirmed, Decision, PendingOrder, Rejected, stock_taken
from shared.domain.errors import OrderUnreadable, Unavailable
from shared.domain.money import Money
from shared.domain.order import Line, Reason, ReasonCode, Status
from shared.domain.warning import Warn
from shared.services.decide_orders import TRANSACTION_ORDERS_MIN, OrderDecider
from shared.store.attempts import leave_name
from shared.store.decisions import Decided
from shared.store.documents import order_document
from shared.store.orders import find_order
from shared.turns import NAME, Turns
from tests.builders import an_order, settings

OUT_OF_STOCK = Reason(ReasonCode.OUT_OF_STOCK)


def confirmed(order_id: str, **quantities: int) -> Confirmed:
    return Confirmed(order_id, tuple(Line(sku, n) for sku, n in quantities.items()), Money(0, "EUR"))


class Transaction:
    """Stands in for the transaction: has the decisions that a test lays down, and raises for poisoned orders.

    All orders are of one product, but those that `products` has. What it has decided is not pending any more.
    """

    def __init__(self) -> None:
        self.decisions: dict[str, Decision] = {}
        self.poisoned: set[str] = set()
        self.error: Exception = KeyError("items")
        self.ran_low: dict[str, int] = {}
        self.outage = False
        self.batches: list[list[str]] = []
        self.products: dict[str, str] = {}
        self.runs = 1
        self.decided: set[str] = set()
        self.before: Callable[[list[str]], object] = lambda _: None

    def read_pending(self, _database: object, order_ids: list[str]) -> list[PendingOrder]:
        pending = [order_id for order_id in order_ids if order_id not in self.decided]
        return [PendingOrder(order_id, (Line(self.products.get(order_id, "mug"), 1),)) for order_id in pending]

    def decide_pending(self, _database: object, orders: list[PendingOrder], *, at: datetime, warn: Warn) -> Decided:
        assert at.tzinfo
        order_ids = [order.order_id for order in orders]
        self.batches.append(order_ids)
        self.before(order_ids)
        if self.outage:
            raise Unavailable("MongoDB")
        if self.poisoned & set(order_ids):
            raise self.error
        decisions = [self.decisions[order_id] for order_id in order_ids if order_id in self.decisions]
        self.decided.update(decision.order_id for decision in decisions)
        warn(stock_taken(decisions))()
        return Decided(decisions, self.ran_low, self.runs)


class Told:
    """Stands in for cache and notices: keeps what it was told."""

    def __init__(self) -> None:
        self.invalidated: list[str] = []
        self.finished: list[str] = []

    @contextmanager
    def changing(self) -> Iterator[Warn]:
        closed: list[str] = []

        def warn(skus: Iterable[str]) -> Callable[[], None]:
            names = list(skus)
            return lambda: closed.extend(names)

        yield warn
        self.invalidated += closed

    def publish(self, order_ids: list[str]) -> None:
        self.finished += order_ids


@pytest.fixture(autouse=True)
def transaction(monkeypatch) -> Transaction:
    transaction = Transaction()
    for name in ("read_pending", "decide_pending"):
        monkeypatch.setattr(f"shared.services.decide_orders.{name}", getattr(transaction, name))
    return transaction


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def turns(redis) -> Turns:
    return Turns(redis)


@pytest.fixture
def decider(database, told, turns) -> Iterator[OrderDecider]:
    decider = OrderDecider(database, told, told, turns, settings())
    yield decider
    decider.close(5)


@pytest.fixture
def store(database) -> Callable[[], str]:
    """Stores a pending order and returns its id."""

    def store() -> str:
        order = an_order()
        database.orders.insert_one(order_document(order, announce_after_seconds=10))
        return order.order_id

    return store


def test_changed_products_are_invalidated_and_finished_orders_told_after_the_commit(decider, transaction, told):
    transaction.decisions = {
        "1": confirmed("1", mug=1, pen=2),
        "2": Rejected("2", OUT_OF_STOCK),
        "3": confirmed("3", mug=1),
    }
    decider.decide(["1", "2", "3"])
    assert told.invalidated == ["mug", "pen"]
    assert told.finished == ["1", "2", "3"]


def test_an_order_that_was_decided_before_is_passed_over(decider, transaction, told):
    transaction.decisions = {"2": confirmed("2", mug=1)}
    assert decider.decide(["1", "2"]) == {"1": None, "2": transaction.decisions["2"]}
    assert told.finished == ["2"]


def test_an_order_that_a_message_names_twice_is_decided_once(decider, transaction, told):
    transaction.decisions = {"1": confirmed("1", mug=1)}
    assert decider.decide(["1", "1"]) == transaction.decisions
    assert transaction.batches == [["1"]]
    assert told.finished == ["1"]


def test_a_message_without_orders_decides_nothing_and_the_next_one_is_served(decider, transaction, told):
    assert decider.decide([]) == {}
    transaction.decisions = {"1": confirmed("1", mug=1)}
    decider.decide(["1"])
    assert transaction.batches == [["1"]]
    assert told.finished == ["1"]


def attempts_of(database, order_id: str) -> int:
    return database.orders.find_one({"_id": order_id})["attempts"]


def test_an_order_that_can_not_be_decided_is_left_to_a_later_attempt_and_the_others_go_on(
    decider, transaction, told, store, database
):
    good, bad, other = store(), store(), store()
    transaction.poisoned = {bad}
    transaction.decisions = {good: confirmed(good, mug=1), other: Rejected(other, OUT_OF_STOCK)}
    assert decider.decide([good, bad, other]) == transaction.decisions | {bad: None}
    assert find_order(database, bad).status is Status.PENDING
    error = database.orders.find_one({"_id": bad})["error"]
    assert (attempts_of(database, bad), error["text"]) == (1, "KeyError: 'items'")
    assert error["worker"].startswith(f"{socket.gethostname()}:{os.getpid()}:")
    assert sorted(told.finished) == sorted([good, other])


def test_an_order_whose_attempts_are_used_up_fails(decider, transaction, told, store, database):
    order_id = store()
    transaction.poisoned = {order_id}
    for attempts in range(1, 5):
        decider.decide([order_id], again=attempts > 1)
        assert (attempts_of(database, order_id), told.finished) == (attempts, [])
    decider.decide([order_id], again=True)
    failed = find_order(database, order_id)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason(ReasonCode.ATTEMPTS_EXHAUSTED))
    assert told.finished == [order_id]


def test_an_order_that_can_not_be_read_fails_at_once(decider, transaction, told, store, database):
    order_id = store()
    transaction.poisoned, transaction.error = {order_id}, OrderUnreadable(order_id, "items is no list of lines")
    decider.decide([order_id])
    failed = find_order(database, order_id)
    assert (failed.status, failed.reason) == (Status.FAILED, Reason(ReasonCode.UNPROCESSABLE))
    assert told.finished == [order_id]


def test_an_order_that_two_messages_name_is_one_attempt(decider, transaction, store, database):
    order_id = store()
    transaction.poisoned = {order_id}
    decider.decide([order_id, order_id])
    assert attempts_of(database, order_id) == 1


def test_an_order_that_is_announced_for_the_first_time_has_no_name_on_it(decider, store, database):
    order_id = store()
    decider.decide([order_id])
    assert "tried_by" not in database.orders.find_one()


def test_orders_announced_again_are_decided_together_with_the_name_of_the_worker_on_them(
    decider, transaction, store, database
):
    first, second = store(), store()
    decider.decide([first, second], again=True)
    assert transaction.batches == [[first, second]]
    names = {order["tried_by"] for order in database.orders.find()}
    assert len(names) == 1
    decider.decide([first, second], again=True)  # its own name is no reason to suspect them
    assert transaction.batches == [[first, second]] * 2
    assert [attempts_of(database, order_id) for order_id in (first, second)] == [0, 0]


def test_orders_that_a_worker_did_not_come_to_an_end_with_are_tried_alone(decider, transaction, store, database):
    first, second, third = store(), store(), store()
    leave_name(database, [first, third], worker="dead")
    transaction.decisions = {order_id: confirmed(order_id, mug=1) for order_id in (first, second, third)}
    decider.decide([first, second, third], again=True)
    assert transaction.batches == [[second], [first], [third]]
    assert [attempts_of(database, order_id) for order_id in (first, second, third)] == [1, 0, 1]
    assert database.orders.find_one({"_id": first})["error"]["worker"] == "dead"


def test_an_order_that_ends_its_worker_each_time_fails_without_being_tried_again(
    decider, transaction, told, store, database
):
    order_id = store()
    for dead in range(5):
        leave_name(database, [order_id], worker=f"dead-{dead}")
        transaction.batches.clear()
        decider.decide([order_id], again=True)
    assert transaction.batches == []
    assert find_order(database, order_id).reason == Reason(ReasonCode.ATTEMPTS_EXHAUSTED)
    assert told.finished == [order_id]


def test_an_outage_is_no_attempt_whoever_comes_next(decider, transaction, store, database):
    order_id = store()
    transaction.outage = True
    with pytest.raises(Unavailable):
        decider.decide([order_id], again=True)
    assert "tried_by" not in database.orders.find_one()
    assert attempts_of(database, order_id) == 0


def test_a_poisoned_order_that_is_not_pending_is_left_alone(decider, transaction, told):
    transaction.poisoned = {"no-such-order"}
    decider.decide(["no-such-order"])
    assert told.finished == []


def test_an_outage_is_raised_and_fails_no_order(decider, transaction, told, store, database):
    order_id = store()
    transaction.outage = True
    with pytest.raises(Unavailable):
        decider.decide([order_id])
    assert find_order(database, order_id).status is Status.PENDING
    assert (told.invalidated, told.finished) == ([], [])


def test_a_message_with_more_orders_than_one_transaction_decides_is_decided_in_several(
    database, transaction, told, turns
):
    decider = OrderDecider(database, told, told, turns, settings(decide_batch_max=3))
    transaction.decisions = {str(n): confirmed(str(n), mug=1) for n in range(9)}
    decided = decider.decide([str(n) for n in range(10)] + ["0"])
    decider.close(5)
    assert decided == transaction.decisions | {"9": None}, "an order named twice was decided, whichever part it is in"
    assert max(map(len, transaction.batches)) <= 3
    assert sorted(order_id for batch in transaction.batches for order_id in batch) == [str(n) for n in range(10)]


@pytest.fixture
def many(transaction, monkeypatch) -> list[str]:
    """Orders that could be decided in two transactions: they are of four products, and there is CPU for it."""
    monkeypatch.setattr(SpareCpu, "is_there", lambda _: True)
    order_ids = [str(n) for n in range(2 * TRANSACTION_ORDERS_MIN)]
    transaction.products = {order_id: f"product-{n % 4}" for n, order_id in enumerate(order_ids)}
    transaction.decisions = {order_id: confirmed(order_id, mug=1) for order_id in order_ids}
    return order_ids


def test_many_orders_that_share_no_product_are_decided_side_by_side(decider, transaction, told, many):
    both = threading.Barrier(2)
    transaction.before = lambda _: both.wait(30)
    assert decider.decide(many) == transaction.decisions
    assert sorted(map(len, transaction.batches)) == [TRANSACTION_ORDERS_MIN] * 2
    products = [{transaction.products[order_id] for order_id in batch} for batch in transaction.batches]
    assert products[0].isdisjoint(products[1])
    assert sorted(told.finished) == sorted(many)


def test_many_orders_of_one_product_are_decided_together(decider, transaction, many):
    transaction.products.clear()
    assert decider.decide(many) == transaction.decisions
    assert transaction.batches == [many]


def test_many_orders_are_decided_together_while_all_cpu_is_busy(decider, transaction, many, monkeypatch):
    monkeypatch.setattr(SpareCpu, "is_there", lambda _: False)
    assert decider.decide(many) == transaction.decisions
    assert transaction.batches == [many]


def test_a_few_orders_are_decided_together(decider, transaction, many):
    decider.decide(many[:-1])
    assert transaction.batches == [many[:-1]]


def test_what_one_transaction_decides_stays_when_the_one_beside_it_is_poisoned(
    decider, transaction, told, many, store, database
):
    bad = store()
    transaction.products[bad] = "product-0"
    transaction.poisoned = {bad}
    decider.decide([*many, bad])
    assert sorted(told.finished) == sorted(many), "each is told of, and once"
    assert attempts_of(database, bad) == 1


@pytest.mark.parametrize("poisoned", [[0], [0, 1], [1, 0]])
def test_an_outage_of_one_transaction_is_that_of_the_batch_whatever_the_one_beside_it_meets(
    decider, transaction, told, many, poisoned
):
    """Nothing is tried once more in smaller batches."""
    errors = dict(zip(poisoned, [Unavailable("MongoDB"), KeyError("price")], strict=False))

    def fail(order_ids: list[str]) -> None:
        if error := errors.get(int(transaction.products[order_ids[0]] in ("product-1", "product-3"))):
            raise error

    transaction.before = fail
    with pytest.raises(Unavailable):
        decider.decide(many)
    assert len(transaction.batches) == 2
    assert len(told.finished) == (2 - len(errors)) * TRANSACTION_ORDERS_MIN


def test_after_a_conflict_the_next_batches_have_the_turn(decider, transaction, redis):
    transaction.decisions = {str(n): confirmed(str(n), mug=1) for n in range(3)}
    had_the_turn: list[int] = []
    transaction.before = lambda _: had_the_turn.append(redis.exists(NAME))
    for n, runs in enumerate([1, 2, 1]):
        transaction.runs = runs
        decider.decide([str(n)])
    assert had_the_turn == [0, 0, 1]
    assert not redis.exists(NAME)


def test_who_finds_nothing_pending_waits_for_no_turn(decider, transaction, turns, monkeypatch):
    transaction.decisions = {"1": confirmed("1", mug=1)}
    decider.decide(["1"])
    asked: list[bool] = []
    monkeypatch.setattr(turns, "turn", lambda: nullcontext(asked.append(True)))
    assert decider.decide(["1"]) == {"1": None}
    assert asked == []
