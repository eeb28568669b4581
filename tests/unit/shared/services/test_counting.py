"""What is counted of orders: each once, and by what became of it."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY, generate_latest

from shared.clock import now
from shared.domain.allocation import Confirmed, Rejected
from shared.domain.errors import IdempotencyKeyReuse, QueueTooLong, Unavailable, WriteRefused
from shared.domain.idempotency import Idempotency
from shared.domain.money import Money
from shared.domain.order import Reason, ReasonCode
from shared.services.counting import count_decisions, count_inserted, counting_refused
from shared.store.orders import FirstOrder, Submission
from tests.builders import an_order, an_order_id
from tests.scrape import Metrics


class Growth:
    """By how much counters have grown since."""

    def __init__(self) -> None:
        self._before = scrape()

    def of(self, name: str, **labels: str) -> float:
        return scrape().total(name, **labels) - self._before.total(name, **labels)


def scrape() -> Metrics:
    return Metrics(generate_latest(REGISTRY).decode())


@pytest.fixture
def growth() -> Iterator[Growth]:
    return Growth()


def test_an_insert_is_counted_order_by_order_and_as_one_batch(growth):
    order, key = an_order(), Idempotency("k", "the same")
    submissions = [
        Submission(order, None),
        Submission(order, key),
        Submission(order, key),
        Submission(order, Idempotency("k", "another")),
        Submission(order, None),
    ]
    first = FirstOrder(an_order(), "the same")
    count_inserted(submissions, [order, order, first, first, WriteRefused(1)])
    assert growth.of("orders_accepted_total") == 2
    assert growth.of("orders_replayed_total") == 1
    assert growth.of("orders_refused_total", reason="idempotency_key_reuse") == 1
    assert growth.of("orders_refused_total", reason="write_refused") == 1
    assert growth.of("orders_refused_total") == 2
    assert growth.of("accept_batch_orders_count") == 1
    assert growth.of("accept_batch_orders_sum") == 5


@pytest.mark.parametrize(
    ("error", "reason"), [(QueueTooLong(61, 60), "queue_too_long"), (Unavailable("MongoDB"), "unavailable")]
)
def test_requests_that_are_refused_together_are_counted_each(growth, error, reason):
    @counting_refused
    def accept_all(_self: None, _customer: str, _requests: list[int]) -> None:
        raise error

    with pytest.raises(type(error)):
        accept_all(None, "alice", [1, 2, 3])
    assert growth.of("orders_refused_total", reason=reason) == 3
    assert growth.of("orders_refused_total") == 3


def test_what_is_no_refusal_of_the_whole_is_not_counted_as_one(growth):
    @counting_refused
    def accept_all(_self: None, _customer: str, _requests: list[int]) -> None:
        raise IdempotencyKeyReuse("k")

    with pytest.raises(IdempotencyKeyReuse):
        accept_all(None, "alice", [1])
    assert growth.of("orders_refused_total") == 0


def test_decisions_are_counted_by_status_with_the_time_that_each_order_has_waited(growth):
    confirmed = [Confirmed(an_order_id(), (), Money(1, "IDR")) for _ in range(3)]
    rejected = [Rejected(an_order_id(), Reason(ReasonCode.OUT_OF_STOCK))]
    assert count_decisions([*confirmed, *rejected], batch=7, at=now()) == 3
    assert growth.of("orders_decided_total", status="confirmed") == 3
    assert growth.of("orders_decided_total", status="rejected") == 1
    assert growth.of("decide_batch_orders_sum") == 7
    assert growth.of("order_decision_seconds_count") == 4
    assert growth.of("order_decision_seconds_bucket", le="60.0") == 4
    assert growth.of("order_decision_seconds_sum") >= 0
