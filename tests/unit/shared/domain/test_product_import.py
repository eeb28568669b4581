"""What a row of a file makes of a product."""

from dataclasses import replace
from typing import Any

from shared.clock import now
from shared.domain.money import Money
from shared.domain.movement import Movement, MovementKind
from shared.domain.product import Change, Product
from shared.domain.product_import import ProductRow, applied
from tests.builders import a_product

AT = now()
MUG = a_product("MUG-01", stock=10, description="Blue", low_stock_threshold=3)


def imported(product: Product | None, **values: Any) -> Change | None:
    row = ProductRow(1, "MUG-01", {"name": "A mug", "price": Money(12_500, "IDR"), **values})
    return applied(row, product, by="clerk", reference="ref", at=AT)


def test_a_row_without_a_product_makes_one_with_its_first_stock_in_the_ledger():
    change = imported(None, stock=7)
    assert change.before is None
    assert change.after == a_product("MUG-01", stock=7, created_at=AT, updated_at=AT)
    assert change.movement == Movement("product", "MUG-01", MovementKind.INITIAL, 7, AT, "clerk")


def test_a_row_that_gives_no_stock_makes_a_product_without():
    change = imported(None)
    assert (change.after.stock, change.movement) == (0, None)


def test_another_stock_becomes_an_adjustment_by_the_difference():
    for stock, delta in ((7, -3), (12, 2), (0, -10)):
        change = imported(MUG, stock=stock)
        assert change.after == replace(MUG, stock=stock, version=2, updated_at=AT)
        assert change.movement == Movement(
            "ref", "MUG-01", MovementKind.ADJUSTMENT, delta, AT, by="clerk", reason="import"
        )


def test_a_row_that_says_what_there_is_changes_nothing():
    for values in ({}, {"stock": 10}, {"stock": 10, "description": "Blue", "low_stock_threshold": 3}):
        assert imported(MUG, **values) == Change(MUG, MUG)


def test_what_is_given_is_taken_null_too_and_what_is_not_given_stays():
    change = imported(MUG, name="Cup", low_stock_threshold=None)
    assert change.after == replace(MUG, name="Cup", low_stock_threshold=None, version=2, updated_at=AT)
    assert change.movement is None


def test_all_that_a_row_changes_is_one_version():
    change = imported(MUG, name="Cup", stock=2, description=None)
    assert change.after.version == 2
    assert change.ran_low


def test_an_archived_product_is_not_changed():
    assert imported(replace(MUG, archived_at=AT), stock=1) is None
