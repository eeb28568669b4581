"""What holds for every batch of orders, against a reference as plain as can be: unit by unit, put back if short."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.allocation import Confirmed, Offer, PendingOrder, Rejected, decide, stock_taken
from shared.domain.money import Money
from shared.domain.order import Line, ReasonCode

SKUS = "abcd"
"""Only the first three can ever be ordered."""

lines = st.builds(Line, st.sampled_from(SKUS), st.integers(1, 6))
baskets = st.lists(st.lists(lines, min_size=1, max_size=5), max_size=8)
offers_by_sku = st.dictionaries(
    st.sampled_from(SKUS[:3]),
    st.builds(Offer, st.builds(Money, st.integers(0, 500), st.sampled_from(["EUR", "IDR"])), st.integers(0, 12)),
)
quick = settings(max_examples=30, deadline=None)


def as_orders(baskets: list[list[Line]]) -> list[PendingOrder]:
    return [PendingOrder(str(number), tuple(basket)) for number, basket in enumerate(baskets)]


def plainly_confirmed(orders: list[PendingOrder], offers: dict[str, Offer]) -> list[str]:
    """The ids of the orders that go through when each takes its units one by one, and puts them back when it can't."""
    left = {sku: offer.stock for sku, offer in offers.items()}
    confirmed = []
    for order in orders:
        units = [line.sku for line in order.items for _ in range(line.quantity)]
        if not set(units) <= set(offers) or len({offers[sku].price.currency for sku in units}) > 1:
            continue
        for sku in units:
            left[sku] -= 1
        if min(left.values()) < 0:
            for sku in units:
                left[sku] += 1
        else:
            confirmed.append(order.order_id)
    return confirmed


@settings(max_examples=100, deadline=None)
@given(baskets, offers_by_sku)
def test_the_orders_that_the_plain_reference_confirms_are_confirmed_and_no_others(baskets, offers):
    decisions = decide(as_orders(baskets), offers)
    confirmed = [decision.order_id for decision in decisions if isinstance(decision, Confirmed)]
    assert confirmed == plainly_confirmed(as_orders(baskets), offers)


@quick
@given(baskets, offers_by_sku)
def test_every_order_is_decided_once_in_the_order_given(baskets, offers):
    assert [d.order_id for d in decide(as_orders(baskets), offers)] == [o.order_id for o in as_orders(baskets)]


@quick
@given(baskets, offers_by_sku)
def test_no_more_is_ever_taken_than_there_is(baskets, offers):
    taken = stock_taken(decide(as_orders(baskets), offers))
    assert all(0 < quantity <= offers[sku].stock for sku, quantity in taken.items())


@quick
@given(baskets, offers_by_sku)
def test_confirmed_orders_take_exactly_what_they_asked_for_at_the_price_offered(baskets, offers):
    orders = {order.order_id: order for order in as_orders(baskets)}
    taken: dict[str, int] = {}
    decisions = decide(orders.values(), offers)
    for decision in decisions:
        if isinstance(decision, Confirmed):
            asked = orders[decision.order_id].items
            for line in asked:
                taken[line.sku] = taken.get(line.sku, 0) + line.quantity
            assert decision.total.amount == sum(offers[line.sku].price.amount * line.quantity for line in asked)
            assert all(line.unit_price == offers[line.sku].price for line in decision.items)
    assert stock_taken(decisions) == taken


@quick
@given(baskets, offers_by_sku, st.data())
def test_an_order_that_fits_alone_is_confirmed_when_it_stands_in_front(baskets, offers, data):
    orders = as_orders(baskets)
    fitting = [order for order in orders if isinstance(decide([order], offers)[0], Confirmed)]
    if fitting:
        first = data.draw(st.sampled_from(fitting))
        behind = [order for order in orders if order is not first]
        assert isinstance(decide([first, *behind], offers)[0], Confirmed)


@quick
@given(baskets, offers_by_sku)
def test_out_of_stock_is_only_said_of_lines_that_ask_for_more_than_was_left(baskets, offers):
    left = {sku: offer.stock for sku, offer in offers.items()}
    for decision in decide(as_orders(baskets), offers):
        if isinstance(decision, Rejected) and decision.reason.code is ReasonCode.OUT_OF_STOCK:
            assert decision.reason.lines
            assert all(line.requested > line.available == left[line.sku] for line in decision.reason.lines)
        for sku, quantity in stock_taken([decision]).items():
            left[sku] -= quantity
