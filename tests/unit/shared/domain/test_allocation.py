"""Who gets the stock, case by case. `test_allocation_properties.py` says what holds for all cases."""

from shared.domain.allocation import Confirmed, Offer, PendingOrder, Rejected, decide, stock_taken
from shared.domain.money import Money
from shared.domain.order import Line, Reason, ReasonCode, RefusedLine


def an_offer(stock: int, *, price: int = 100, currency: str = "EUR") -> Offer:
    return Offer(Money(price, currency), stock)


def a_pending_order(order_id: str, **quantities: int) -> PendingOrder:
    return PendingOrder(order_id, tuple(Line(sku, quantity) for sku, quantity in quantities.items()))


def out_of_stock(order_id: str, *lines: RefusedLine) -> Rejected:
    return Rejected(order_id, Reason(ReasonCode.OUT_OF_STOCK, lines))


def statuses(decisions) -> list[type]:
    return [type(decision) for decision in decisions]


def test_an_order_is_confirmed_with_the_price_of_each_line_and_their_total():
    offers = {"mug": an_offer(5, price=250), "pen": an_offer(5, price=30)}
    assert decide([a_pending_order("1", mug=2, pen=5)], offers) == [
        Confirmed("1", (Line("mug", 2, Money(250, "EUR")), Line("pen", 5, Money(30, "EUR"))), Money(650, "EUR"))
    ]


def test_the_last_unit_goes_to_the_order_that_was_accepted_first():
    orders = [a_pending_order("1", mug=1), a_pending_order("2", mug=1)]
    assert statuses(decide(orders, {"mug": an_offer(1)})) == [Confirmed, Rejected]


def test_a_refusal_says_what_the_earlier_orders_of_the_batch_left():
    orders = [a_pending_order("1", mug=3), a_pending_order("2", mug=4)]
    assert decide(orders, {"mug": an_offer(5)})[1] == out_of_stock("2", RefusedLine("mug", 4, 2))


def test_a_rejected_order_takes_nothing_from_the_ones_behind_it():
    orders = [a_pending_order("1", mug=9), a_pending_order("2", mug=5)]
    assert statuses(decide(orders, {"mug": an_offer(5)})) == [Rejected, Confirmed]


def test_an_order_is_all_or_nothing():
    orders = [a_pending_order("1", mug=1, pen=2), a_pending_order("2", mug=1)]
    assert decide(orders, {"mug": an_offer(1), "pen": an_offer(1)}) == [
        out_of_stock("1", RefusedLine("pen", 2, 1)),
        Confirmed("2", (Line("mug", 1, Money(100, "EUR")),), Money(100, "EUR")),
    ]


def test_a_refusal_names_every_line_that_is_short_and_no_other():
    offers = {"mug": an_offer(1), "pen": an_offer(2), "cup": an_offer(0)}
    order = a_pending_order("1", mug=2, pen=2, cup=1)
    assert decide([order], offers) == [out_of_stock("1", RefusedLine("mug", 2, 1), RefusedLine("cup", 1, 0))]


def test_two_lines_of_one_sku_count_together():
    order = PendingOrder("1", (Line("mug", 2), Line("mug", 2)))
    assert decide([order], {"mug": an_offer(3)}) == [out_of_stock("1", RefusedLine("mug", 4, 3))]
    assert decide([order], {"mug": an_offer(4)}) == [
        Confirmed("1", (Line("mug", 4, Money(100, "EUR")),), Money(400, "EUR"))
    ]


def test_a_sku_without_an_offer_is_not_found_and_nothing_else_is_said():
    order = a_pending_order("1", ghost=2, mug=99)
    assert decide([order], {"mug": an_offer(1)}) == [
        Rejected("1", Reason(ReasonCode.PRODUCT_NOT_FOUND, (RefusedLine("ghost", 2, None),)))
    ]


def test_an_order_in_two_currencies_is_rejected():
    offers = {"mug": an_offer(5), "pen": an_offer(5, currency="IDR")}
    assert decide([a_pending_order("1", mug=1, pen=1)], offers) == [Rejected("1", Reason(ReasonCode.MIXED_CURRENCIES))]


def test_orders_of_one_batch_may_be_in_different_currencies():
    offers = {"mug": an_offer(5), "pen": an_offer(5, currency="IDR")}
    totals = [d.total for d in decide([a_pending_order("1", mug=1), a_pending_order("2", pen=1)], offers)]
    assert totals == [Money(100, "EUR"), Money(100, "IDR")]


def test_a_free_product_is_sold_for_nothing():
    assert decide([a_pending_order("1", mug=3)], {"mug": an_offer(3, price=0)})[0].total == Money(0, "EUR")


def test_a_large_total_is_exact():
    price = 10**12 - 1
    assert decide([a_pending_order("1", mug=500_000)], {"mug": an_offer(10**12, price=price)})[0].total == Money(
        price * 500_000, "EUR"
    )


def test_deciding_changes_none_of_its_arguments():
    orders, offers = [a_pending_order("1", mug=1), a_pending_order("2", mug=9)], {"mug": an_offer(5)}
    decide(orders, offers)
    assert orders == [a_pending_order("1", mug=1), a_pending_order("2", mug=9)]
    assert offers == {"mug": an_offer(5)}


def test_no_orders_no_decisions():
    assert decide([], {"mug": an_offer(1)}) == []


def test_the_stock_taken_is_summed_over_confirmed_orders_by_sku_in_ascending_order():
    offers = {"pen": an_offer(9), "mug": an_offer(3)}
    orders = [a_pending_order("1", pen=1, mug=2), a_pending_order("2", mug=2), a_pending_order("3", pen=4)]
    taken = stock_taken(decide(orders, offers))
    assert taken == {"mug": 2, "pen": 5}
    assert list(taken) == ["mug", "pen"]


def test_rejected_orders_take_no_stock():
    assert stock_taken(decide([a_pending_order("1", mug=1)], {"mug": an_offer(0)})) == {}
