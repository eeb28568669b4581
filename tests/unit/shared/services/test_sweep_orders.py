"""Sweeping: what was claimed is announced, and what can't be announced is given back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.services.sweep_orders import MESSAGE_MAX, sweep_orders
from tests.builders import settings


class Store:
    """Stands in for the announcements in MongoDB, whose claims need a real one: see tests/integration."""

    def __init__(self) -> None:
        self.due: list[str] = []
        self.limits: list[int] = []
        self.claims: list[tuple[str, datetime]] = []
        self.given_back: list[tuple[list[str], str, datetime]] = []

    def claim_due(
        self, _database: object, *, claim: str, at: datetime, limit: int, interval_max_seconds: int
    ) -> list[str]:
        assert interval_max_seconds == 300
        self.limits.append(limit)
        self.claims.append((claim, at))
        return self.due

    def give_back(self, _database: object, order_ids: Sequence[str], *, claim: str, due_at: datetime) -> None:
        self.given_back.append((list(order_ids), claim, due_at))


@pytest.fixture(autouse=True)
def store(monkeypatch) -> Store:
    store = Store()
    monkeypatch.setattr("shared.services.sweep_orders.claim_due", store.claim_due)
    monkeypatch.setattr("shared.services.sweep_orders.give_back", store.give_back)
    monkeypatch.setattr("shared.services.sweep_orders.store_now", lambda _: now())
    return store


def sweep(announce, *, queued: int = 0) -> int:
    return sweep_orders(None, announce, lambda: queued, settings(sweep_batch_max=2_000, announce_after_seconds=10))


def some_ids(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_what_is_due_is_announced(store):
    store.due, announced = ["1", "2"], []
    assert sweep(announced.append) == 2
    assert announced == [["1", "2"]]
    assert store.given_back == []


def test_nothing_due_nothing_announced():
    announced = []
    assert sweep(announced.append) == 0
    assert announced == []


def test_many_orders_are_announced_in_several_messages(store):
    store.due, announced = some_ids(2 * MESSAGE_MAX + 1), []
    assert sweep(announced.append) == 2 * MESSAGE_MAX + 1
    assert [len(message) for message in announced] == [MESSAGE_MAX, MESSAGE_MAX, 1]
    assert [order_id for message in announced for order_id in message] == store.due


def test_every_sweep_claims_for_itself(store):
    sweep(print)
    sweep(print)
    assert len({claim for claim, _ in store.claims}) == 2


def test_what_the_broker_does_not_take_is_given_back_for_the_next_sweep(store, logged):
    store.due, announced = some_ids(MESSAGE_MAX + 2), []

    def announce(order_ids: Sequence[str]) -> None:
        if announced:
            raise Unavailable("the broker")
        announced.append(order_ids)

    assert sweep(announce) == MESSAGE_MAX
    [(claim, at)] = store.claims
    assert store.given_back == [(store.due[MESSAGE_MAX:], claim, at + timedelta(seconds=10))]
    assert [entry["event"] for entry in logged] == ["sweep could not announce"]


@pytest.mark.parametrize(("queued", "limit"), [(0, 2_000), (16, 2_000), (17, 1_500), (19, 500), (20, 500), (90, 500)])
def test_the_more_messages_wait_the_less_is_announced(store, queued, limit):
    sweep(print, queued=queued)
    assert store.limits == [limit]


def test_while_the_broker_is_away_nothing_is_claimed(store, logged):
    def queued() -> int:
        raise Unavailable("the broker")

    assert sweep_orders(None, print, queued, settings()) == 0
    assert store.claims == []
    assert [entry["event"] for entry in logged] == ["sweep put off: the broker is away"]
