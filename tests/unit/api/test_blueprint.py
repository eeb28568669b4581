"""The body of a request: it must say that it is JSON, be JSON, and fit its schema; else it says what is wrong."""

import pytest

from tests.builders import bearer

GOOD = b'{"items": [{"sku": "MUG-01", "quantity": 1}]}'


def place(client, body: bytes, content_type: str | None = "application/json", **given):
    return client.post("/v1/orders", data=body, content_type=content_type, headers=bearer(), **given)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_json_body_is_taken(client, content_type):
    assert place(client, GOOD, content_type).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'items': []}",
        b'{"items": NaN}',
        b'{"items": Infinity}',
        b'{"reference": "\xff"}',
        b'{"reference": "\\ud800"}',
        b"\x00",
        GOOD + b"x",
        b"\xff\xfe" + GOOD,
        b'{"quantity": 1e999}',
        b"[" * 10_000,
        GOOD.decode().encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused_and_stores_nothing(client, database, body):
    response = place(client, body)
    assert response.status_code == 400
    assert response.json["type"] == "/problems/malformed-json"
    assert response.json["detail"]
    assert database.orders.count_documents({}) == 0


def test_an_encoded_body_is_refused(client, database):
    headers = bearer() | {"Content-Encoding": "gzip"}
    response = client.post("/v1/orders", data=GOOD, content_type="application/json", headers=headers)
    assert (response.status_code, response.json["type"]) == (415, "/problems/unsupported-media-type")
    assert database.orders.count_documents({}) == 0


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/xml",
    ],
)
def test_another_media_type_is_refused_whatever_the_body_is(client, database, content_type):
    response = place(client, GOOD, content_type)
    assert response.status_code == 415
    assert response.json["type"] == "/problems/unsupported-media-type"
    assert "application/json" in response.json["detail"]
    assert database.orders.count_documents({}) == 0


def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(client, database, monkeypatch):
    monkeypatch.setitem(client.application.config, "MAX_CONTENT_LENGTH", len(GOOD))
    assert place(client, GOOD).status_code == 202
    response = place(client, GOOD + b" ")
    assert response.status_code == 413
    assert response.json["type"] == "/problems/body-too-large"
    assert database.orders.count_documents({}) == 1


def test_what_does_not_fit_the_schema_is_said_field_by_field(client, database):
    response = place(
        client, b'{"items": [{"sku": "MUG-01", "quantity": 0}, {"quantity": true}], "note": 1, "reference": ""}'
    )
    assert response.status_code == 400
    assert response.json["type"] == "/problems/invalid-request"
    errors = response.json["errors"]
    assert sorted(errors) == ["items", "note", "reference"]
    assert errors["note"] == ["Unknown field."]
    assert errors["items"] == {
        "0": {"quantity": ["Must be greater than or equal to 1 and less than or equal to 10000."]},
        "1": {"quantity": ["Not a valid integer."], "sku": ["Missing data for required field."]},
    }
    assert database.orders.count_documents({}) == 0


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b"true"])
def test_json_that_is_not_an_object_does_not_fit(client, body):
    response = place(client, body)
    assert response.status_code == 400
    assert response.json["errors"] == {"_schema": ["Invalid input type."]}


@pytest.mark.parametrize("sku", ["-MUG", "MUG 01", "{0}", "{0.__class__}", "%s"])
def test_a_malformed_sku_is_refused_by_its_field(client, sku):
    response = client.post("/v1/orders", json={"items": [{"sku": sku, "quantity": 1}]}, headers=bearer())
    assert response.status_code == 400
    assert list(response.json["errors"]["items"]["0"]) == ["sku"]


def test_a_body_full_of_bad_lines_is_answered_in_a_few_words(client):
    response = place(client, b'{"items": [' + b"{}," * 100_000 + b"{}]}")
    assert response.status_code == 400
    assert response.json["errors"] == {"items": ["Length must be between 1 and 50."]}


def test_a_query_operator_is_no_value(client, database):
    response = place(client, b'{"items": [{"sku": {"$gt": ""}, "quantity": 1}]}')
    assert response.status_code == 400
    assert response.json["errors"] == {"items": {"0": {"sku": ["Not a valid string."]}}}
    assert database.orders.count_documents({}) == 0


def test_a_body_that_was_cut_off_is_refused(client, database):
    response = place(client, GOOD, environ_overrides={"CONTENT_LENGTH": str(len(GOOD) + 1)})
    assert (response.status_code, response.json["type"]) == (400, "/problems/incomplete-body")
    assert response.json["detail"] == f"{len(GOOD) + 1} bytes were announced, {len(GOOD)} came."
    assert database.orders.count_documents({}) == 0


def test_a_body_without_its_length_is_refused(client, database):
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    response = place(client, GOOD, environ_overrides=chunked)
    assert (response.status_code, response.json["type"]) == (411, "/problems/length-required")
    assert database.orders.count_documents({}) == 0


def test_a_body_that_was_taken_before_is_refused_for_all_that_is_wrong_with_the_request(client, database):
    assert place(client, GOOD).status_code == 202
    refused = [
        place(client, GOOD, "text/plain"),
        place(client, GOOD, environ_overrides={"HTTP_CONTENT_ENCODING": "gzip"}),
        place(client, GOOD, environ_overrides={"CONTENT_LENGTH": str(len(GOOD) + 1)}),
        place(client, GOOD, environ_overrides={"HTTP_IDEMPOTENCY_KEY": "a b"}),
    ]
    assert [response.status_code for response in refused] == [415, 415, 400, 400]
    assert database.orders.count_documents({}) == 1


@pytest.mark.parametrize("body", [b"{", b'{"items": [], "items": []}', b'{"items": []}', b"null"])
def test_a_body_is_refused_each_time_it_comes(client, body):
    assert place(client, GOOD).status_code == 202
    answers = [place(client, body, environ_overrides={"HTTP_X_REQUEST_ID": "r"}) for _ in range(3)]
    assert {response.status_code for response in answers} == {400}
    assert len({response.data for response in answers}) == 1


def test_the_same_body_twice_is_two_orders_each_with_its_own_key(client, database):
    placed = [place(client, GOOD, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key}).json["id"] for key in ("k1", "k2")]
    placed.append(place(client, GOOD).json["id"])
    assert len(set(placed)) == 3
    keys = [order.get("idempotency", {}).get("key") for order in database.orders.find().sort("_id")]
    assert keys == ["k1", "k2", None]


def test_the_same_purchase_twice_is_of_the_product_in_the_address(client):
    answers = [client.post(f"/v1/products/{sku}/purchase", json={"quantity": 3}, headers=bearer()) for sku in "ab"]
    assert [response.json["items"][0]["sku"] for response in answers] == ["a", "b"]
