"""Stock over HTTP on the real servers: it moves through the ledger alone, whoever else moves it meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database
from structlog.testing import capture_logs

from shared.cache import LeaseCache
from shared.metrics import PRODUCTS_RAN_LOW
from shared.services.adjust_stock import adjust_stock
from shared.services.decide_orders import OrderDecider
from shared.store import movements
from shared.store.connection import Document
from shared.store.transaction import GuardFailed
from tests.builders import a_line, a_product, an_order, bearer
from tests.mongo import assert_ledger_true, everything, put_orders, put_products, stock_of

CLERK = bearer("clerk", "stock:write products:write")
ADJUSTMENTS = "/v1/products/MUG/stock-adjustments"
MOVEMENTS = "/v1/products/MUG/stock-movements"


def adjust(client: FlaskClient, delta: int, *, key: str | None = None, reason: str = "count", **caller: Any) -> Any:
    headers = bearer(**{"sub": "clerk", "scope": "stock:write", **caller})
    if key:
        headers["Idempotency-Key"] = key
    return client.post(ADJUSTMENTS, json={"delta": delta, "reason": reason}, headers=headers)


def test_an_adjustment_is_answered_with_its_movement(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5))

    response = adjust(client, -2, reason="broken")

    assert response.status_code == 201
    movement = response.json
    assert movement["id"] == f"{movement['reference']}:MUG:adjustment"
    assert {name: movement[name] for name in ("sku", "kind", "delta", "reason", "by")} == {
        "sku": "MUG",
        "kind": "adjustment",
        "delta": -2,
        "reason": "broken",
        "by": "clerk",
    }
    assert stock_of(database, "MUG") == 3
    assert client.get(MOVEMENTS, headers=CLERK).json["items"][0] == movement
    assert_ledger_true(database)


def test_the_cache_has_the_new_stock_at_once(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5))
    assert client.get("/v1/products/MUG").json["stock"] == 5

    adjust(client, 7)

    answer = client.get("/v1/products/MUG")
    assert (answer.json["stock"], answer.headers["ETag"]) == (12, '"v2"')


@pytest.mark.parametrize(("stock", "delta"), [(5, -6), (0, -1), (5, -(10**12)), (1, 10**12)])
def test_stock_out_of_range_is_refused_with_the_figures(
    client: FlaskClient, database: Database[Document], stock: int, delta: int
) -> None:
    put_products(database, a_product("MUG", stock=stock))
    before = everything(database)

    response = adjust(client, delta, key="key")

    assert response.status_code == 409
    assert response.json["type"] == "/problems/stock-out-of-range"
    assert (response.json["stock"], response.json["delta"]) == (stock, delta)
    assert everything(database) == before


def test_an_adjustment_mends_what_the_list_shows(client: FlaskClient, database: Database[Document]) -> None:
    """As the runbook has it done after somebody wrote past the API."""
    put_products(database, a_product("MUG", stock=10, low_stock_threshold=5))
    database.products.update_one({"_id": "MUG"}, {"$set": {"stock": 2}, "$inc": {"version": 1}})
    database.stock_movements.update_one({"sku": "MUG"}, {"$set": {"delta": 2}})

    assert [adjust(client, delta).status_code for delta in (1, -1)] == [201, 201]

    assert_ledger_true(database)
    assert [product["sku"] for product in client.get("/v1/products?low_stock=true").json["items"]] == ["MUG"]


@pytest.mark.parametrize("stock", [0, 7])
def test_stock_may_be_adjusted_down_to_nothing(client: FlaskClient, database: Database[Document], stock: int) -> None:
    put_products(database, a_product("MUG", stock=stock + 1))

    assert adjust(client, -stock - 1).status_code == 201
    assert stock_of(database, "MUG") == 0


@pytest.mark.parametrize(
    "body",
    [
        {"delta": 0, "reason": "x"},
        {"delta": 1},
        {"reason": "x"},
        {"delta": "1", "reason": "x"},
        {"delta": 1.5, "reason": "x"},
        {"delta": True, "reason": "x"},
        {"delta": 10**12 + 1, "reason": "x"},
        {"delta": 2**64, "reason": "x"},
        {"delta": {"$gt": 0}, "reason": "x"},
        {"delta": 1, "reason": ""},
        {"delta": 1, "reason": "a\nb"},
        {"delta": 1, "reason": "x", "by": "someone"},
    ],
    ids=str,
)
def test_an_adjustment_that_does_not_fit_is_refused(
    client: FlaskClient, database: Database[Document], body: object
) -> None:
    put_products(database, a_product("MUG", stock=5))
    before = everything(database)

    assert client.post(ADJUSTMENTS, json=body, headers=CLERK).status_code == 400
    assert everything(database) == before


def test_there_is_nothing_to_adjust_where_no_product_is(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", archived_at=a_product().created_at))
    before = everything(database)

    assert adjust(client, 1, key="key").status_code == 404
    assert (
        client.post("/v1/products/ghost/stock-adjustments", json={"delta": 1, "reason": "x"}, headers=CLERK).status_code
        == 404
    )
    assert everything(database) == before


def test_an_adjustment_repeated_with_its_key_has_one_effect(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5))

    first, second, quoted = adjust(client, 2, key="key"), adjust(client, 2, key="key"), adjust(client, 2, key='"key"')

    assert (first.status_code, second.status_code, quoted.status_code) == (201, 201, 201)
    assert second.json == quoted.json == first.json
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert stock_of(database, "MUG") == 7
    assert_ledger_true(database)


def test_a_key_is_not_good_for_another_adjustment(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=5))
    adjust(client, 2, key="key")
    before = everything(database)

    assert adjust(client, 3, key="key").status_code == 422
    assert adjust(client, 2, key="key", reason="another").status_code == 422
    headers = {**CLERK, "Idempotency-Key": "key"}
    other = client.post("/v1/products/TEE/stock-adjustments", json={"delta": 2, "reason": "count"}, headers=headers)
    assert other.status_code == 422
    assert everything(database) == before


def test_keys_of_two_callers_are_apart(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5))

    adjust(client, 2, key="key", sub="clerk")
    adjust(client, 2, key="key", sub="other")

    assert stock_of(database, "MUG") == 9


def test_a_key_of_a_refused_adjustment_may_be_used_again(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=1))
    assert adjust(client, -2, key="key").status_code == 409
    adjust(client, 5)

    assert adjust(client, -2, key="key").status_code == 201
    assert stock_of(database, "MUG") == 4


def test_twenty_at_once_with_one_key_have_one_effect(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: adjust(client, 1, key="key"), range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert stock_of(database, "MUG") == 6
    assert_ledger_true(database)


def test_adjustments_at_once_all_count(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=0))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: adjust(client, 1).status_code, range(40)))

    assert set(answers) == {201}
    assert stock_of(database, "MUG") == 40
    assert_ledger_true(database)


def test_an_adjustment_can_not_undo_a_sale_that_happens_beside_it(
    client: FlaskClient, database: Database[Document], decider: OrderDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: the adjustment has read a stock of 5, four are sold, and then it takes two."""
    put_products(database, a_product("MUG", stock=5))
    order_ids = put_orders(database, an_order(a_line("MUG", 4)))
    read_products = movements.read_products
    has_read = threading.Event()

    def read_then_let_them_sell(*args: Any) -> Any:
        found = read_products(*args)
        if not has_read.is_set():
            has_read.set()
            decider.decide(order_ids)
        return found

    monkeypatch.setattr(movements, "read_products", read_then_let_them_sell)
    response = adjust(client, -2)

    assert response.status_code == 409
    assert response.json["stock"] == 1, "the figures are those of the second look"
    assert stock_of(database, "MUG") == 1
    assert_ledger_true(database)


def test_a_product_that_is_not_as_it_was_read_is_not_written(
    database: Database[Document], product_cache: LeaseCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence, made to be needed: the transaction is shown an older version."""
    put_products(database, a_product("MUG", stock=5, version=2))
    before = everything(database)
    monkeypatch.setattr(movements, "read_products", lambda *_: {"MUG": a_product("MUG", stock=50, version=1)})

    with pytest.raises(GuardFailed):
        adjust_stock(database, product_cache, "MUG", delta=-9, reason="x", by="clerk", idempotency_key=None)

    assert everything(database) == before


def test_without_the_version_in_the_write_the_sale_would_be_undone(
    database: Database[Document], decider: OrderDecider
) -> None:
    """The counter-proof: read, sale, write, without a transaction and without the guard."""
    put_products(database, a_product("MUG", stock=5))
    product = database.products.find_one({"_id": "MUG"})
    assert product is not None
    decider.decide(put_orders(database, an_order(a_line("MUG", 4))))

    database.products.update_one({"_id": "MUG"}, {"$set": {"stock": product["stock"] - 2}})

    assert stock_of(database, "MUG") == 3
    with pytest.raises(AssertionError):
        assert_ledger_true(database)


def test_the_ledger_is_read_newest_first_a_page_at_a_time(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("MUG", stock=5), a_product("TEE", stock=1))
    for delta in range(1, 8):
        adjust(client, delta)

    answer = client.get(f"{MOVEMENTS}?limit=3", headers=CLERK)
    pages = [answer.json["items"]]
    while "Link" in answer.headers:
        adjust(client, 100)  # what comes meanwhile shifts nothing
        link = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
        answer = client.get(link, headers=CLERK)
        pages.append(answer.json["items"])

    assert [[movement["delta"] for movement in page] for page in pages] == [[7, 6, 5], [4, 3, 2], [1, 5]]
    assert answer.json["next_cursor"] is None


def test_a_sale_is_in_the_ledger_with_its_order(
    client: FlaskClient, database: Database[Document], decider: OrderDecider
) -> None:
    put_products(database, a_product("MUG", stock=5))
    [order_id] = put_orders(database, an_order(a_line("MUG", 2)))
    decider.decide([order_id])

    sale = client.get(MOVEMENTS, headers=CLERK).json["items"][0]

    assert (sale["kind"], sale["delta"], sale["reference"], sale["by"]) == ("sale", -2, order_id, None)


def test_a_ledger_without_movements_is_empty_and_that_of_no_product_is_not_found(
    client: FlaskClient, database: Database[Document]
) -> None:
    put_products(database, a_product("MUG", stock=0))

    assert client.get(MOVEMENTS, headers=CLERK).json == {"items": [], "next_cursor": None}
    assert client.get("/v1/products/ghost/stock-movements", headers=CLERK).status_code == 404


class TestLowStock:
    @pytest.fixture(autouse=True)
    def product(self, database: Database[Document]) -> None:
        put_products(database, a_product("MUG", stock=10, low_stock_threshold=3), a_product("TEE", stock=0))

    def low(self, client: FlaskClient) -> list[str]:
        """As the product says, and as the list has it."""
        listed = [product["sku"] for product in client.get("/v1/products?low_stock=true").json["items"]]
        assert client.get("/v1/products/MUG").json["low_stock"] == ("MUG" in listed)
        return listed

    def test_it_is_low_at_its_threshold_and_until_it_rises_above(self, client: FlaskClient) -> None:
        steps = [(-6, []), (-1, ["MUG"]), (-3, ["MUG"]), (3, ["MUG"]), (1, [])]
        for delta, expected in steps:
            adjust(client, delta)
            assert self.low(client) == expected

    def test_only_the_crossing_is_logged_and_counted(self, client: FlaskClient) -> None:
        before = PRODUCTS_RAN_LOW._value.get()
        with capture_logs() as entries:
            for delta in (-7, -1, -1, 2, 1, -1):  # 3 is low, 2, 1, 3, 4 is not, 3 again
                adjust(client, delta)

        crossings = [entry for entry in entries if entry["event"] == "stock is low"]
        assert [(entry["sku"], entry["stock"]) for entry in crossings] == [("MUG", 3), ("MUG", 3)]
        assert PRODUCTS_RAN_LOW._value.get() - before == 2

    def test_sales_make_it_low_once(
        self, client: FlaskClient, database: Database[Document], decider: OrderDecider
    ) -> None:
        with capture_logs() as entries:
            for quantity in (6, 2, 1):
                decider.decide(put_orders(database, an_order(a_line("MUG", quantity))))

        assert self.low(client) == ["MUG"]
        crossings = [entry["stock"] for entry in entries if entry["event"] == "stock is low"]
        assert crossings == [2]

    def test_a_threshold_that_rises_to_the_stock_makes_it_low(self, client: FlaskClient) -> None:
        with capture_logs() as entries:
            client.patch("/v1/products/MUG", json={"low_stock_threshold": 10}, headers={**CLERK, "If-Match": "*"})

        assert self.low(client) == ["MUG"]
        assert [entry["stock"] for entry in entries if entry["event"] == "stock is low"] == [10]

    def test_a_product_that_is_made_low_is_listed_and_has_crossed_nothing(self, client: FlaskClient) -> None:
        body = {"sku": "CAP", "name": "Cap", "price": {"amount": 1, "currency": "EUR"}, "low_stock_threshold": 5}
        with capture_logs() as entries:
            client.post("/v1/products", json=body, headers=CLERK)

        assert self.low(client) == ["CAP"]
        assert [entry for entry in entries if entry["event"] == "stock is low"] == []
