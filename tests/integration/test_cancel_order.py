"""Cancelling over HTTP on the real servers: before, after and while an order is decided; stock is right either way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database
from redis import Redis

from shared.clock import now
from shared.domain.order import Order, Reason, ReasonCode, Status
from shared.domain.product import STOCK_MAX
from shared.notices import CHANNEL
from shared.services.decide_orders import OrderDecider
from shared.store import cancellations, decisions
from shared.store.attempts import fail_order
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, bearer
from tests.mongo import assert_ledger_true, everything, find, put_orders, put_products, stock_of


def cancel(client: FlaskClient, order_id: str, **caller: Any) -> Any:
    return client.post(f"/v1/orders/{order_id}/cancel", headers=bearer(**caller))


@pytest.fixture
def order(database: Database[Document]) -> Order:
    """Of two mugs and a tee; there are five of each."""
    put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=5))
    order = an_order(a_line("MUG", 2), a_line("TEE", 1))
    put_orders(database, order)
    return order


def test_a_pending_order_is_cancelled_and_never_decided(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, order: Order
) -> None:
    response = cancel(client, order.order_id)
    decider.decide([order.order_id])

    assert response.status_code == 200
    assert [entry["status"] for entry in response.json["history"]] == ["pending", "cancelled"]
    assert response.json == client.get(f"/v1/orders/{order.order_id}", headers=bearer()).json
    assert "Retry-After" not in response.headers
    assert find(database, order.order_id)["status"] == "cancelled"
    assert (stock_of(database, "MUG"), stock_of(database, "TEE")) == (5, 5)
    assert_ledger_true(database)


def test_what_a_confirmed_order_took_comes_back(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, order: Order
) -> None:
    decider.decide([order.order_id])
    assert client.get("/v1/products/MUG").json["stock"] == 3

    response = cancel(client, order.order_id)

    assert (response.status_code, response.json["status"]) == (200, "cancelled")
    assert (stock_of(database, "MUG"), stock_of(database, "TEE")) == (5, 5)
    assert client.get("/v1/products/MUG").json["stock"] == 5, "the cache must not answer with the old one"
    returns = {
        row["sku"]: (row["delta"], row["reference"], row["by"])
        for row in database.stock_movements.find({"kind": "return"})
    }
    assert returns == {"MUG": (2, order.order_id, "alice"), "TEE": (1, order.order_id, "alice")}
    assert_ledger_true(database)


def test_cancelling_again_changes_nothing(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, order: Order
) -> None:
    decider.decide([order.order_id])
    first = cancel(client, order.order_id)
    before = everything(database)

    second = cancel(client, order.order_id)

    assert (second.status_code, second.json) == (200, first.json)
    assert everything(database) == before


def test_twenty_who_cancel_at_once_return_the_stock_once(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, order: Order
) -> None:
    decider.decide([order.order_id])

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: cancel(client, order.order_id), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1
    assert stock_of(database, "MUG") == 5
    assert_ledger_true(database)


@pytest.mark.parametrize("status", ["rejected", "failed"])
def test_what_was_refused_can_not_be_cancelled(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, status: str
) -> None:
    [order_id] = put_orders(database, an_order(a_line("GHOST", 1)))
    if status == "rejected":
        decider.decide([order_id])
    else:
        fail_order(database, order_id, Reason(ReasonCode.UNPROCESSABLE), at=now())
    before = everything(database)

    response = cancel(client, order_id)

    assert response.status_code == 409
    assert response.json["type"] == "/problems/order-not-cancellable"
    assert (response.json["order_id"], response.json["order_status"]) == (order_id, status)
    assert everything(database) == before


def test_someone_elses_order_is_not_there(client: FlaskClient, database: Database[Document], order: Order) -> None:
    before = everything(database)

    theirs, none = cancel(client, order.order_id, sub="mallory"), cancel(client, "no-such-order", sub="mallory")

    assert theirs.status_code == none.status_code == 404
    assert {**theirs.json, "request_id": "", "order_id": ""} == {**none.json, "request_id": "", "order_id": ""}
    assert everything(database) == before


def test_an_operator_cancels_anybodys(client: FlaskClient, order: Order) -> None:
    response = cancel(client, order.order_id, sub="operator", scope="orders:write ops")
    assert (response.status_code, response.json["customer"]) == (200, "alice")


def test_stock_comes_back_to_an_archived_product_too(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, order: Order
) -> None:
    decider.decide([order.order_id])
    client.delete("/v1/products/MUG", headers={**bearer(scope="products:write"), "If-Match": "*"})

    assert cancel(client, order.order_id).status_code == 200
    assert stock_of(database, "MUG") == 5
    assert client.get("/v1/products/MUG").status_code == 404
    assert_ledger_true(database)


def test_stock_comes_back_also_where_it_has_been_filled_up_to_the_brim(
    client: FlaskClient, database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("BRIM", stock=STOCK_MAX))
    [order_id] = put_orders(database, an_order(a_line("BRIM", 1)))
    decider.decide([order_id])
    headers = bearer("clerk", "stock:write")
    client.post("/v1/products/BRIM/stock-adjustments", json={"delta": 1, "reason": "x"}, headers=headers)

    assert cancel(client, order_id).status_code == 200
    assert stock_of(database, "BRIM") == STOCK_MAX + 1
    assert_ledger_true(database)


def test_who_waits_for_the_order_is_told(client: FlaskClient, redis: Redis, order: Order) -> None:
    with redis.pubsub(ignore_subscribe_messages=True) as notices:
        notices.subscribe(CHANNEL)
        notices.get_message(timeout=5)
        cancel(client, order.order_id)
        message = None
        while message is None:
            message = notices.get_message(timeout=5)
    assert order.order_id in message["data"].decode()


def test_cancelled_while_it_is_being_decided_the_cancelling_wins(
    client: FlaskClient,
    database: Database[Document],
    decider: OrderDecider,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Staged: the deciding transaction has read the order as pending; then it is cancelled; then it would write."""
    once(monkeypatch, decisions, "_read_offers", lambda: cancel(client, order.order_id))

    decider.decide([order.order_id])

    assert find(database, order.order_id)["status"] == "cancelled"
    assert stock_of(database, "MUG") == 5
    assert_ledger_true(database)


def test_decided_while_it_is_being_cancelled_what_it_took_comes_back(
    client: FlaskClient,
    database: Database[Document],
    decider: OrderDecider,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Staged: the cancelling transaction has read the order as pending; then it is confirmed; then it would write."""
    once(monkeypatch, cancellations, "order_from", lambda: decider.decide([order.order_id]))

    response = cancel(client, order.order_id)

    assert [entry["status"] for entry in response.json["history"]] == ["pending", "confirmed", "cancelled"]
    assert stock_of(database, "MUG") == 5
    assert_ledger_true(database)


def test_forty_orders_cancelled_and_decided_at_once(
    client: FlaskClient, database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("CAP", stock=40))
    order_ids = put_orders(database, *(an_order(a_line("CAP", 1)) for _ in range(40)))

    with ThreadPoolExecutor(8) as pool:
        deciding = [pool.submit(decider.decide, order_ids[start : start + 4]) for start in range(0, 40, 4)]
        cancelling = list(pool.map(lambda order_id: cancel(client, order_id).status_code, order_ids[::2]))
        for future in deciding:
            future.result()

    assert set(cancelling) == {200}
    assert database.orders.count_documents({"status": "cancelled"}) == 20
    assert database.orders.count_documents({"status": "confirmed"}) == 20
    assert stock_of(database, "CAP") == 20
    assert_ledger_true(database)


def once(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, meanwhile: Callable[[], object]) -> None:
    """Right after the first call of the function, this happens."""
    function, calls = getattr(module, name), []

    def called(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        calls.append(name)
        if len(calls) == 1:
            meanwhile()
        return result

    monkeypatch.setattr(module, name, called)


def test_statuses_that_can_be_cancelled_are_these_alone() -> None:
    assert {status.value for status in Status} == {"pending", "confirmed", "rejected", "failed", "cancelled"}
