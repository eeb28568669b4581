"""The Idempotency-Key header: its forms, replays, and reuse for another request."""

import pytest

from tests.builders import bearer

BODY = {"items": [{"sku": "MUG-01", "quantity": 2}], "reference": "cart 7"}


def place(client, key: str | None, body=BODY, **caller):
    headers = bearer(**caller)
    if key is not None:
        headers["Idempotency-Key"] = key
    return client.post("/v1/orders", json=body, headers=headers)


def test_a_repeated_request_gets_the_first_order_and_makes_no_second_one(client, database):
    first, second = place(client, "key-1"), place(client, "key-1")
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json == first.json
    assert second.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert database.orders.count_documents({}) == 1


@pytest.mark.parametrize("again", ["key-1", '"key-1"', " key-1 ", ' "key-1" '])
def test_bare_and_quoted_are_the_same_key(client, again):
    assert place(client, again).json["id"] == place(client, "key-1").json["id"]


def test_the_key_is_stored_without_its_quotes(client, database):
    place(client, '"key-1"')
    assert database.orders.find_one()["idempotency"]["key"] == "key-1"


@pytest.mark.parametrize(
    "key",
    [
        "",
        '""',
        " ",
        "a b",
        '"a b"',
        "é",
        "a\tb",
        "a\x00",
        "a" * 256,
        f'"{"a" * 256}"',
        '"',
        '"a',
        'a"',
        "a,b",
        '"a","b"',
        'a"b',
    ],
)
def test_a_malformed_key_is_refused_and_stores_nothing(client, database, key):
    response = place(client, key)
    assert response.status_code == 400
    assert response.json["type"] == "/problems/invalid-header"
    assert response.json["header"] == "Idempotency-Key"
    assert database.orders.count_documents({}) == 0


def test_two_keys_in_one_request_are_refused(client, database):
    """They arrive as one header with a comma, and which of them was meant nobody can know."""
    headers = [*bearer().items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert client.post("/v1/orders", json=BODY, headers=headers).status_code == 400
    assert database.orders.count_documents({}) == 0


@pytest.mark.parametrize("key", ["a", "a" * 255, f'"{"a" * 255}"', "!~", "a:b/c", '"a,b"'])
def test_1_to_255_visible_characters_are_a_key(client, key):
    assert place(client, key).status_code == 202


@pytest.mark.parametrize(
    "other",
    [
        {**BODY, "items": [{"sku": "MUG-01", "quantity": 3}]},
        {**BODY, "items": [{"sku": "MUG-02", "quantity": 2}]},
        {**BODY, "items": [*BODY["items"], {"sku": "MUG-02", "quantity": 1}]},
        {**BODY, "reference": "cart 8"},
        {"items": BODY["items"]},
    ],
)
def test_a_key_that_comes_with_another_request_is_refused_and_stores_nothing(client, database, other):
    first = place(client, "key-1")
    response = place(client, "key-1", other)
    assert response.status_code == 422
    assert response.json["type"] == "/problems/idempotency-key-reuse"
    assert first.json["id"] not in response.text
    assert database.orders.count_documents({}) == 1


def test_the_same_lines_in_another_order_are_the_same_request(client):
    one, two = {"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}
    first = place(client, "key-1", {"items": [one, one, two]})
    second = place(client, "key-1", {"items": [two, {"sku": "a", "quantity": 2}]})
    assert second.json["id"] == first.json["id"]


def test_a_key_is_the_callers_own(client, database):
    alice, bob = place(client, "key-1", sub="alice"), place(client, "key-1", sub="bob")
    assert alice.json["id"] != bob.json["id"]
    assert bob.json["customer"] == "bob"
    assert database.orders.count_documents({}) == 2


def test_without_a_key_every_request_is_an_order_of_its_own(client, database):
    assert place(client, None).json["id"] != place(client, None).json["id"]
    assert database.orders.count_documents({}) == 2


def test_a_purchase_honours_the_key_too(client, database):
    headers = {**bearer(), "Idempotency-Key": "key-1"}
    first, second = (client.post("/v1/products/MUG-01/purchase", json={"quantity": 1}, headers=headers) for _ in "12")
    assert second.json == first.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert database.orders.count_documents({}) == 1
