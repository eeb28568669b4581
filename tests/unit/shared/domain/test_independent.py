"""Parts of a batch that share no product: made-up baskets, and the cases that count."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.allocation import PendingOrder
from shared.domain.independent import independent_parts
from shared.domain.order import Line

SKUS = st.sampled_from([f"SKU-{n}" for n in range(12)])
BASKETS = st.lists(st.lists(SKUS, min_size=1, max_size=3), max_size=40)


def orders(*baskets: Iterable[str]) -> list[PendingOrder]:
    return [
        PendingOrder(f"{number:03}", tuple(Line(sku, 1) for sku in basket)) for number, basket in enumerate(baskets)
    ]


def ids(parts: list[list[PendingOrder]]) -> list[list[str]]:
    return [[order.order_id for order in part] for part in parts]


@given(BASKETS, st.integers(1, 4))
def test_every_order_is_in_one_part_in_its_order_and_no_product_is_in_two(baskets, count):
    pending = orders(*baskets)
    parts = independent_parts(pending, count)
    assert len(parts) <= count
    assert all(parts)
    assert sorted(order.order_id for part in parts for order in part) == [order.order_id for order in pending]
    assert all(part == sorted(part) for part in ids(parts))
    products = [{line.sku for order in part for line in order.items} for part in parts]
    assert sum(map(len, products)) == len(set().union(*products))


def test_parts_are_about_as_long_as_each_other():
    pending = orders(*(["A"] for _ in range(5)), *(["B"] for _ in range(3)), *(["C"] for _ in range(2)))
    assert sorted(map(len, independent_parts(pending, 2))) == [5, 5]


def test_orders_that_share_a_product_through_others_stay_together():
    pending = orders(["A"], ["B"], ["C"], ["A", "B"], ["D"], ["B", "C"])
    assert sorted(ids(independent_parts(pending, 3))) == [["000", "001", "002", "003", "005"], ["004"]]


def test_one_part_has_all():
    pending = orders(["A"], ["B"])
    assert independent_parts(pending, 1) == [pending]


def test_no_orders_have_no_parts():
    assert independent_parts([], 2) == []
