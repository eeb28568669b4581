"""What is counted of orders: each once, and by what became of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import REGISTRY, generate_latest

from shared.clock import now
from shared.domain.allocation import Confirmed, Rejected
from shared.domain.errors import IdempotencyKeyReuse, QueueTooLong, Unavailable, WriteRefused
from shared.domain.money import Money
from shared.domain.order import Reason, ReasonCode
from shared.services.accept_orders import Accepted, OrderAcceptor, OrderRequest
from shared.services.counting import count_decisions
from shared.store.orders import FirstOrder, InsertOutcome, Submission
from tests.builders import a_line, an_order, an_order_id, settings
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


class Quiet:
    """Neither announces nor refuses anything, unless it is given a refusal."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self._refusal = refusal

    def check(self) -> None:
        if self._refusal:
            raise self._refusal

    def announce(self, order_ids: list[str]) -> None: ...

    def close(self, timeout_seconds: float) -> None: ...


@contextmanager
def acceptor(refusal: Exception | None = None) -> Iterator[OrderAcceptor]:
    made = OrderAcceptor(None, Quiet(), Quiet(refusal), settings())  # type: ignore[arg-type]
    yield made
    made.close(5)


def test_orders_are_counted_by_what_became_of_each_and_an_insert_as_one_batch(growth, monkeypatch):
    first = FirstOrder(an_order(), "another request")

    def insert(_: object, submissions: list[Submission], **__: object) -> list[InsertOutcome]:
        a, b, again, *_ = submissions
        same = FirstOrder(an_order(), again.idempotency.fingerprint)
        return [a.order, b.order, same, first, WriteRefused(1)]

    monkeypatch.setattr("shared.services.accept_orders.insert_orders", insert)
    keys = [None, "a", "b", "c", None]
    with acceptor() as accepting:
        outcomes = accepting.accept_all("alice", [OrderRequest([a_line()], idempotency_key=key) for key in keys])
    assert [type(outcome) for outcome in outcomes[2:]] == [Accepted, IdempotencyKeyReuse, WriteRefused]
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
    with acceptor(refusal=error) as refusing, pytest.raises(type(error)):
        refusing.accept_all("alice", [OrderRequest([a_line()])] * 3)
    assert growth.of("orders_refused_total", reason=reason) == 3
    assert growth.of("orders_refused_total") == 3


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
