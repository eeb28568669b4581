"""Batches of an import: how rows are put together, and how often a batch is tried."""

from typing import Any

import pytest

from shared.domain.errors import SkuTaken, Unavailable
from shared.domain.money import Money
from shared.domain.product_import import BadRow, ProductRow, RowFault
from shared.services.import_products import (
    ATTEMPTS_MAX,
    ROWS_MAX,
    BatchOutcome,
    batches,
    each_sku_once,
    import_products,
)

BAD = BadRow(0, RowFault.UNREADABLE, "Not JSON.")


def a_row(sku: str = "MUG-01") -> ProductRow:
    return ProductRow(1, sku, {"name": "Mug", "price": Money(1, "EUR")})


def test_rows_are_put_together_up_to_a_limit_bad_ones_too():
    rows = [a_row(f"SKU-{n}") for n in range(ROWS_MAX)] + [BAD] * ROWS_MAX + [a_row()]
    assert [len(batch) for batch in batches(rows)] == [ROWS_MAX, ROWS_MAX, 1]
    assert [row for batch in batches(rows) for row in batch] == rows


def test_the_first_row_of_a_sku_counts_and_the_others_are_bad():
    rows = [a_row("A"), a_row("B"), a_row("A"), BAD, BAD, a_row("B"), a_row("C")]
    passed = list(each_sku_once(rows))
    assert [row for row in passed if isinstance(row, ProductRow)] == [rows[0], rows[1], rows[6]]
    assert [row.fault for row in passed if isinstance(row, BadRow)] == [
        RowFault.REPEATED,
        RowFault.UNREADABLE,
        RowFault.UNREADABLE,
        RowFault.REPEATED,
    ]


def test_no_more_rows_are_read_ahead_than_make_a_batch(monkeypatch, resources):
    monkeypatch.setattr("shared.services.import_products.change_products", lambda *_, **__: [])
    read = []

    def rows():
        for n in range(10 * ROWS_MAX):
            read.append(n)
            yield BAD

    next(import_products(resources.database, resources.product_cache, rows(), by="clerk"))
    assert len(read) == ROWS_MAX


@pytest.mark.parametrize("error", [SkuTaken("MUG-01"), Unavailable("MongoDB")], ids=repr)
def test_a_batch_that_can_not_be_written_is_tried_again_but_not_for_ever(monkeypatch, resources, error):
    tried = failing(monkeypatch, error, times=ATTEMPTS_MAX)
    with pytest.raises(Unavailable):
        list(import_products(resources.database, resources.product_cache, [a_row()], by="clerk"))
    assert len(tried) == ATTEMPTS_MAX


def test_a_batch_that_fails_in_passing_is_written(monkeypatch, resources):
    failing(monkeypatch, SkuTaken("MUG-01"), times=ATTEMPTS_MAX - 1)
    outcomes = import_products(resources.database, resources.product_cache, [a_row(), BAD], by="clerk")
    assert list(outcomes) == [BatchOutcome(created=1, updated=0, unchanged=0, bad=[BAD])]


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, *, times: int) -> list[Any]:
    """Nothing is there, and the first writes fail; a list of what was tried."""
    tried: list[Any] = []

    def change(_: Any, skus: Any, decide: Any, **__: Any) -> Any:
        tried.append(skus)
        if len(tried) <= times:
            raise error
        return decide({})

    monkeypatch.setattr("shared.services.import_products.change_products", change)
    return tried
