"""Verifying the ledger: each kind of drift is found, by name, and nothing else is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.services.verify_stock import Drift, Report, verify_stock


class Snapshot:
    """A ledger in order; tests put it out of order."""

    def __init__(self) -> None:
        self.stock = {"mug": 3, "pen": 0}
        self.sums = {"mug": 3}
        self.sold = {"order-1": {"mug": 2}, "order-3": {"mug": 1, "pen": 1}}
        self.taken = {"order-1": {"mug": 2}, "order-3": {"mug": 1, "pen": 1}}
        self.listed_otherwise: list[str] = []

    def skus_listed_otherwise(self) -> list[str]:
        return self.listed_otherwise

    def stock_by_sku(self) -> dict[str, int]:
        return self.stock

    def ledger_sum_by_sku(self) -> dict[str, int]:
        return self.sums

    def sold_by_confirmed_orders(self) -> Iterator[tuple[str, dict[str, int]]]:
        return iter(sorted(self.sold.items()))

    def taken_by_movements(self) -> Iterator[tuple[str, dict[str, int]]]:
        return iter(sorted(self.taken.items()))


@pytest.fixture
def ledger(monkeypatch) -> Snapshot:
    snapshot = Snapshot()

    @contextmanager
    def ledger_snapshot(_database: object, _sku: str | None) -> Iterator[Snapshot]:
        yield snapshot

    monkeypatch.setattr("shared.services.verify_stock.ledger_snapshot", ledger_snapshot)
    return snapshot


@pytest.mark.usefixtures("ledger")
def test_a_ledger_in_order_has_no_drift():
    assert verify_stock(None) == Report(skus=2, orders=2, drifts=[])


def test_stock_that_is_not_the_sum_of_its_movements_is_drift(ledger):
    ledger.stock["mug"] = 4
    assert verify_stock(None).drifts == [Drift("stock_differs", "mug", "stock is 4, its movements sum up to 3")]


def test_stock_without_any_movement_is_drift(ledger):
    ledger.sums.clear()
    assert verify_stock(None).drifts == [Drift("stock_differs", "mug", "stock is 3, its movements sum up to 0")]


def test_negative_stock_is_drift_even_when_the_ledger_agrees(ledger):
    ledger.stock["pen"] = ledger.sums["pen"] = -1
    assert verify_stock(None).drifts == [Drift("negative_stock", "pen", "stock is -1")]


def test_movements_of_a_product_that_is_not_there_are_drift(ledger):
    ledger.sums["ghost"] = 7
    assert [(d.kind, d.subject) for d in verify_stock(None).drifts] == [("product_missing", "ghost")]


def test_a_confirmed_order_that_took_nothing_is_drift(ledger):
    del ledger.taken["order-1"]
    assert verify_stock(None).drifts == [
        Drift("order_differs", "order-1", "it sold {'mug': 2}, its movements took nothing")
    ]


def test_movements_of_an_order_that_is_not_confirmed_are_drift(ledger):
    ledger.taken["order-2"] = {"pen": 1}
    assert verify_stock(None).drifts == [
        Drift("order_differs", "order-2", "it sold nothing, its movements took {'pen': 1}")
    ]


def test_an_order_that_took_more_than_it_sold_is_drift(ledger):
    ledger.taken["order-3"] = {"mug": 2, "pen": 1}
    assert [(d.kind, d.subject) for d in verify_stock(None).drifts] == [("order_differs", "order-3")]


def test_a_product_that_the_list_shows_otherwise_is_drift(ledger):
    ledger.listed_otherwise = ["pen"]
    [drift] = verify_stock(None).drifts
    assert (drift.kind, drift.subject) == ("listing_differs", "pen")
