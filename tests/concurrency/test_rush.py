"""The first promise, over HTTP on the real stack: never oversold, however many come at once."""

from collections import Counter
from typing import Any

from pymongo.database import Database

from shared.services.verify_stock import verify_stock
from tests.rush import Purchase, poll, rush
from tests.stack import Stack


def test_a_hundred_buyers_at_once_for_the_last_unit_make_one_sale(stack: Stack) -> None:
    stack.start_api()
    stack.start_worker()
    create_product(stack, "LAST-01", stock=1)

    answers = rush(stack.url, [Purchase(stack.token(f"buyer-{n}"), [("LAST-01", 1)]) for n in range(100)])
    orders = poll(stack.url, stack.token(), [answer.json()["id"] for answer in answers])

    assert Counter(answer.status_code for answer in answers) == {202: 100}
    assert Counter(order["status"] for order in orders) == {"confirmed": 1, "rejected": 99}
    assert {order["reason"]["code"] for order in orders if order["reason"]} == {"out_of_stock"}
    assert stock_over_http(stack, "LAST-01") == 0
    assert_ledger_true(stack.database)


def test_a_thousand_buyers_for_a_hundred_units_over_two_workers_make_a_hundred_sales(stack: Stack) -> None:
    stack.start_api()
    stack.start_worker("worker-1")
    stack.start_worker("worker-2")
    create_product(stack, "RUSH-01", stock=100)

    answers = rush(stack.url, [Purchase(stack.token(f"buyer-{n}"), [("RUSH-01", 1)]) for n in range(1_000)])
    stack.wait_until_decided()

    assert Counter(answer.status_code for answer in answers) == {202: 1_000}
    assert statuses_in(stack.database) == {"confirmed": 100, "rejected": 900}
    assert stock_over_http(stack, "RUSH-01") == 0
    assert_ledger_true(stack.database)
    assert both_decided(stack), "the test must have two workers at work"


def test_baskets_in_opposite_orders_are_all_or_nothing(stack: Stack) -> None:
    stack.start_api()
    stack.start_worker("worker-1")
    stack.start_worker("worker-2")
    create_product(stack, "A", stock=120)
    create_product(stack, "B", stock=80)

    baskets = [[("A", 1), ("B", 1)], [("B", 1), ("A", 1)]] * 100
    answers = rush(stack.url, [Purchase(stack.token(), basket) for basket in baskets])
    stack.wait_until_decided()

    assert Counter(answer.status_code for answer in answers) == {202: 200}
    assert statuses_in(stack.database) == {"confirmed": 80, "rejected": 120}
    assert (stock_over_http(stack, "A"), stock_over_http(stack, "B")) == (40, 0)
    assert_ledger_true(stack.database)


def create_product(stack: Stack, sku: str, *, stock: int) -> None:
    body = {"sku": sku, "name": sku, "price": {"amount": 500, "currency": "EUR"}, "stock": stock}
    with stack.client() as client:
        client.post("/v1/products", json=body).raise_for_status()


def stock_over_http(stack: Stack, sku: str) -> int:
    with stack.client() as client:
        return int(client.get(f"/v1/products/{sku}").raise_for_status().json()["stock"])


def statuses_in(database: Database[dict[str, Any]]) -> Counter[str]:
    return Counter(order["status"] for order in database.orders.find({}, {"status": 1}))


def assert_ledger_true(database: Database[dict[str, Any]]) -> None:
    report = verify_stock(database)
    assert report.drifts == []
    assert report.skus > 0


def both_decided(stack: Stack) -> bool:
    return all("orders decided" in stack.log(name) for name in ("worker-1", "worker-2"))
