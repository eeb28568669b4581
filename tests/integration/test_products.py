"""Products over HTTP on the real servers: changing and archiving them, only as the caller has seen them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from shared.services.decide_orders import OrderDecider
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, bearer
from tests.mongo import assert_ledger_true, everything, find, put_orders, put_products

CLERK = bearer("clerk", "products:write stock:write")
PATH = "/v1/products/MUG-01"
PRODUCT = {"sku": "MUG-01", "name": "Blue mug", "price": {"amount": 500, "currency": "EUR"}, "stock": 3}


def create(client: FlaskClient, **fields: Any) -> str:
    """The entity tag of the new product."""
    response = client.post("/v1/products", json={**PRODUCT, **fields}, headers=CLERK)
    assert response.status_code == 201, response.text
    return response.headers["ETag"]


def patch(client: FlaskClient, body: object, if_match: str | None) -> Any:
    return client.patch(PATH, json=body, headers=CLERK if if_match is None else {**CLERK, "If-Match": if_match})


def delete(client: FlaskClient, if_match: str | None) -> Any:
    return client.delete(PATH, headers=CLERK if if_match is None else {**CLERK, "If-Match": if_match})


def test_a_new_product_has_its_first_stock_in_the_ledger_with_who_put_it_there(
    client: FlaskClient, database: Database[Document]
) -> None:
    create(client)

    [movement] = database.stock_movements.find()
    assert (movement["_id"], movement["delta"], movement["by"]) == ("product:MUG-01:initial", 3, "clerk")
    assert_ledger_true(database)


def test_a_product_without_stock_has_no_movement(client: FlaskClient, database: Database[Document]) -> None:
    create(client, stock=0)

    assert database.stock_movements.count_documents({}) == 0
    assert_ledger_true(database)


def test_a_sku_is_taken_once_and_the_first_product_stays(client: FlaskClient, database: Database[Document]) -> None:
    create(client)
    before = everything(database)

    response = client.post("/v1/products", json={**PRODUCT, "name": "Another"}, headers=CLERK)

    assert response.status_code == 409
    assert everything(database) == before


def test_a_patch_changes_what_is_given_and_nothing_else(client: FlaskClient) -> None:
    etag = create(client, description="For tea.", low_stock_threshold=2)
    before = client.get(PATH).json

    response = patch(client, {"name": "Green mug", "price": {"amount": 700, "currency": "EUR"}}, etag)

    assert response.status_code == 200
    assert response.headers["ETag"] == '"v2"'
    changed = {"name": "Green mug", "price": {"amount": 700, "currency": "EUR"}}
    assert response.json == {**before, **changed, "updated_at": response.json["updated_at"]}
    assert client.get(PATH).json == response.json, "the cache must not answer with the old one"


def test_null_takes_a_description_and_a_threshold_away(client: FlaskClient) -> None:
    etag = create(client, description="For tea.", low_stock_threshold=2)

    response = patch(client, {"description": None, "low_stock_threshold": None}, etag)

    assert (response.json["description"], response.json["low_stock_threshold"]) == (None, None)


@pytest.mark.parametrize("body", [{}, {"name": "Blue mug"}, {"price": {"amount": 500, "currency": "EUR"}}])
def test_a_patch_that_changes_nothing_leaves_the_version(
    client: FlaskClient, database: Database[Document], body: object
) -> None:
    etag = create(client)
    before = everything(database)

    response = patch(client, body, etag)

    assert (response.status_code, response.headers["ETag"]) == (200, etag)
    assert everything(database) == before


@pytest.mark.parametrize(
    "change", [lambda client, tag: patch(client, {"name": "x"}, tag), delete], ids=["patch", "delete"]
)
class TestOnlyAsSeen:
    def test_without_if_match_it_is_refused(
        self, client: FlaskClient, database: Database[Document], change: Any
    ) -> None:
        create(client)
        before = everything(database)

        response = change(client, None)

        assert response.status_code == 428
        assert response.json["type"] == "/problems/precondition-required"
        assert everything(database) == before

    @pytest.mark.parametrize("if_match", ['"v0"', '"v2"', 'W/"v1"', '"1"', '"v1 "', "v", '"v99999999999999999999"', ""])
    def test_with_another_tag_it_is_refused(
        self, client: FlaskClient, database: Database[Document], change: Any, if_match: str
    ) -> None:
        create(client)
        before = everything(database)

        response = change(client, if_match)

        assert response.status_code == 412
        assert response.json["type"] == "/problems/precondition-failed"
        assert everything(database) == before

    @pytest.mark.parametrize("if_match", ['"v1"', '"v7", "v1"', "*"])
    def test_with_its_tag_or_any_it_is_done(self, client: FlaskClient, change: Any, if_match: str) -> None:
        create(client)

        assert change(client, if_match).status_code in (200, 204)

    def test_a_sale_makes_the_tag_stale(
        self, client: FlaskClient, database: Database[Document], decider: OrderDecider, change: Any
    ) -> None:
        etag = create(client)
        decider.decide(put_orders(database, an_order(a_line("MUG-01", 1))))

        assert change(client, etag).status_code == 412

    def test_what_is_not_there_is_not_found(self, client: FlaskClient, change: Any) -> None:
        assert change(client, "*").status_code == 404

    def test_what_is_archived_is_not_found(self, client: FlaskClient, change: Any) -> None:
        create(client)
        delete(client, "*")

        assert change(client, "*").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"stock": 5},
        {"sku": "MUG-02"},
        {"name": None},
        {"name": ""},
        {"price": None},
        {"price": {"amount": 5}},
        {"price": {"amount": -1, "currency": "EUR"}},
        {"low_stock_threshold": -1},
        {"low_stock_threshold": "2"},
        {"version": 7},
        {"$set": {"stock": 5}},
        [],
        "name",
    ],
    ids=str,
)
def test_a_patch_that_does_not_fit_is_refused(client: FlaskClient, database: Database[Document], body: object) -> None:
    etag = create(client)
    before = everything(database)

    assert patch(client, body, etag).status_code == 400
    assert everything(database) == before


def test_an_archived_product_is_gone_from_reads_and_its_ledger_stays(
    client: FlaskClient, database: Database[Document]
) -> None:
    create(client)
    client.get(PATH)  # so that it is in the cache

    response = delete(client, "*")

    assert (response.status_code, response.data) == (204, b"")
    assert client.get(PATH).status_code == 404
    assert client.get("/v1/products").json["items"] == []
    assert client.get("/v1/products?q=mug").json["items"] == []
    assert client.post("/v1/products", json=PRODUCT, headers=CLERK).status_code == 409
    [movement] = client.get(f"{PATH}/stock-movements", headers=CLERK).json["items"]
    assert (movement["kind"], movement["delta"]) == ("initial", 3)
    assert_ledger_true(database)


def test_an_archived_product_can_not_be_ordered_and_what_was_sold_stays_sold(
    client: FlaskClient, database: Database[Document], decider: OrderDecider
) -> None:
    create(client)
    sold, late = put_orders(database, an_order(a_line("MUG-01", 1)), an_order(a_line("MUG-01", 1)))
    decider.decide([sold])

    delete(client, "*")
    decider.decide([late])

    assert find(database, sold)["status"] == "confirmed"
    assert find(database, late)["reason"]["code"] == "product_not_found"
    assert_ledger_true(database)


def test_of_many_who_patch_what_they_saw_one_wins(client: FlaskClient) -> None:
    etag = create(client)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: patch(client, {"name": f"Mug {n}"}, etag).status_code, range(8)))

    assert sorted(answers) == [200] + 7 * [412]


@pytest.mark.parametrize("sku", ["import", "export"])
def test_an_address_beside_those_of_the_products_is_no_sku(client: FlaskClient, sku: str) -> None:
    response = client.post("/v1/products", json={**PRODUCT, "sku": sku}, headers=CLERK)
    assert response.status_code == 400
    assert list(response.json["errors"]) == ["sku"]


def test_products_put_in_by_hand_have_what_the_list_needs(client: FlaskClient, database: Database[Document]) -> None:
    put_products(database, a_product("A"), a_product("B", stock=0))
    assert [product["sku"] for product in client.get("/v1/products?in_stock=false").json["items"]] == ["B"]
