"""What a new order looks like, and the normal form of its lines."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.money import Money
from shared.domain.order import HistoryEntry, Line, Order, Status, add_up, new_order

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def test_lines_of_one_sku_are_added_up_in_the_order_in_which_each_sku_came_first():
    lines = [Line("pen", 1), Line("mug", 2), Line("pen", 3)]
    assert add_up(lines) == (Line("pen", 4), Line("mug", 2))


def test_lines_of_different_skus_are_left_alone():
    assert add_up([Line("pen", 1), Line("Pen", 2)]) == (Line("pen", 1), Line("Pen", 2))


def test_added_up_lines_have_no_price_yet():
    assert add_up([Line("pen", 1, Money(5, "EUR"))]) == (Line("pen", 1),)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.builds(Line, st.sampled_from("abc"), st.integers(1, 99)), max_size=9))
def test_adding_up_keeps_every_unit_and_names_each_sku_once(lines):
    added = add_up(lines)
    assert [line.sku for line in added] == list(dict.fromkeys(line.sku for line in lines))
    for line in added:
        assert line.quantity == sum(other.quantity for other in lines if other.sku == line.sku)


def test_a_new_order_is_pending_and_knows_nothing_of_prices():
    order = new_order("1", "alice", [Line("mug", 1), Line("mug", 1)], reference="r", at=AT)
    assert order == Order(
        order_id="1",
        customer="alice",
        reference="r",
        items=(Line("mug", 2),),
        status=Status.PENDING,
        total=None,
        reason=None,
        history=(HistoryEntry(Status.PENDING, AT),),
        created_at=AT,
        updated_at=AT,
    )
