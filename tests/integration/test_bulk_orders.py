"""Bulk orders over HTTP on the real servers: each entry by itself, all in one insert and one message."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database

from api.resources import EXTENSION
from shared.services.accept_orders import OrderAcceptor, OrderRequest
from shared.services.backpressure import Backpressure
from shared.store.connection import Document, connect
from tests.builders import a_line, bearer, settings
from tests.mongo import CommandCounter

GOOD = {"items": [{"sku": "MUG", "quantity": 1}]}


def place(client: FlaskClient, *entries: Any, sub: str = "alice") -> list[Any]:
    response = client.post("/v1/orders/bulk", json={"orders": list(entries)}, headers=bearer(sub))
    assert response.status_code == 202, response.text
    results: list[Any] = response.json["results"]
    assert len(results) == len(entries)
    return results


def stored(database: Database[Document]) -> int:
    return database.orders.count_documents({})


def test_each_entry_gets_its_own_order_in_the_order_given(client: FlaskClient, database: Database[Document]) -> None:
    results = place(client, *({"items": [{"sku": "MUG", "quantity": n}], "reference": f"r{n}"} for n in range(1, 301)))

    assert [result["order"]["reference"] for result in results] == [f"r{n}" for n in range(1, 301)]
    assert [result["order"]["items"][0]["quantity"] for result in results] == list(range(1, 301))
    ids = [result["order"]["id"] for result in results]
    assert ids == sorted(set(ids)), "accepted in the order given"
    assert {document["_id"] for document in database.orders.find()} == set(ids)
    assert results[0]["order"] == client.get(f"/v1/orders/{ids[0]}", headers=bearer()).json


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": [{"sku": "MUG", "quantity": 0}]}, "items"),
        ({"items": [{"sku": {"$gt": ""}, "quantity": 1}]}, "items"),
        ({**GOOD, "reference": 7}, "reference"),
        ({**GOOD, "customer": "bob"}, "customer"),
        ({**GOOD, "idempotency_key": ""}, "idempotency_key"),
        ({**GOOD, "idempotency_key": "a b"}, "idempotency_key"),
        ({**GOOD, "idempotency_key": 7}, "idempotency_key"),
        ({**GOOD, "idempotency_key": "a" * 256}, "idempotency_key"),
        ("text", "_schema"),
        (None, "_schema"),
        ([], "_schema"),
    ],
    ids=str,
)
def test_a_bad_entry_is_refused_alone(client: FlaskClient, database: Database[Document], bad: Any, field: str) -> None:
    first, second, third = place(client, GOOD, bad, GOOD)

    assert "order" in first
    assert "order" in third
    assert (second["problem"]["type"], second["problem"]["status"]) == ("/problems/invalid-request", 400)
    assert list(second["problem"]["errors"]) == [field]
    assert stored(database) == 2


@pytest.mark.parametrize(
    "body", [{}, {"orders": []}, {"orders": GOOD}, {"orders": [GOOD] * 1_001}, {"orders": [GOOD], "x": 1}, [GOOD]]
)
def test_a_body_that_is_no_bulk_is_refused_whole(client: FlaskClient, database: Database[Document], body: Any) -> None:
    assert client.post("/v1/orders/bulk", json=body, headers=bearer()).status_code == 400
    assert stored(database) == 0


def test_a_thousand_are_taken(client: FlaskClient, database: Database[Document]) -> None:
    assert all("order" in result for result in place(client, *[GOOD] * 1_000))
    assert stored(database) == 1_000


def test_keys_are_honoured_by_the_entry(client: FlaskClient, database: Database[Document]) -> None:
    keyed = {**GOOD, "idempotency_key": "k1"}

    [first] = place(client, keyed)
    again, quoted, other, fresh = place(
        client,
        keyed,
        {**GOOD, "idempotency_key": '"k1"'},
        {"items": [{"sku": "TEE", "quantity": 1}], "idempotency_key": "k1"},
        {**GOOD, "idempotency_key": "k2"},
    )

    assert not first["replayed"]
    assert (again["replayed"], again["order"]) == (True, first["order"])
    assert quoted["order"] == first["order"]
    assert other["problem"]["type"] == "/problems/idempotency-key-reuse"
    assert (fresh["replayed"], fresh["order"]["id"] != first["order"]["id"]) == (False, True)
    assert stored(database) == 2


def test_the_same_key_twice_in_one_bulk_is_one_order(client: FlaskClient, database: Database[Document]) -> None:
    keyed = {**GOOD, "idempotency_key": "k"}

    results = place(client, keyed, keyed, keyed)

    assert len({result["order"]["id"] for result in results}) == 1
    assert [result["replayed"] for result in results] == [False, True, True]
    assert stored(database) == 1


def test_a_key_is_one_whether_it_came_in_bulk_or_in_a_header(client: FlaskClient, database: Database[Document]) -> None:
    single = client.post("/v1/orders", json=GOOD, headers={**bearer(), "Idempotency-Key": "k"})

    [result] = place(client, {**GOOD, "idempotency_key": "k"})
    [of_bob] = place(client, {**GOOD, "idempotency_key": "k"}, sub="bob")

    assert (result["replayed"], result["order"]["id"]) == (True, single.json["id"])
    assert not of_bob["replayed"]
    assert stored(database) == 2


def test_a_key_for_all_of_a_bulk_is_refused(client: FlaskClient, database: Database[Document]) -> None:
    """It would seem to make the bulk safe to repeat, and would not."""
    headers = {**bearer(), "Idempotency-Key": "k"}
    response = client.post("/v1/orders/bulk", json={"orders": [GOOD]}, headers=headers)
    assert (response.status_code, response.json["header"]) == (400, "Idempotency-Key")
    assert stored(database) == 0


class Announcements:
    def __init__(self) -> None:
        self.messages: list[list[str]] = []

    def announce(self, order_ids: list[str]) -> None:
        self.messages.append(list(order_ids))

    def close(self, timeout_seconds: float) -> None: ...


def test_a_bulk_is_one_insert_and_one_message(mongo_url: str) -> None:
    counter, announcements = CommandCounter(), Announcements()
    database = connect(mongo_url, timeout_milliseconds=20_000, listeners=[counter])
    acceptor = OrderAcceptor(database, announcements, Backpressure(database, pending_seconds_max=0), settings())  # type: ignore[arg-type]

    with counter.counting() as commands:
        accepted = acceptor.accept_all("alice", [OrderRequest([a_line("MUG")])] * 1_000)

    assert commands == {"insert": 1}
    assert [len(message) for message in announcements.messages] == [1_000]
    assert len(accepted) == 1_000
    acceptor.close(5)
    database.client.close()


def test_a_bulk_counts_as_many_orders_and_passes_whole_or_not_at_all(
    app: Flask, client: FlaskClient, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = app.extensions[EXTENSION]
    limits = {**resources.settings.rate_limits, "orders": "10/minute"}
    limited = replace(resources, settings=replace(resources.settings, rate_limits=limits))
    monkeypatch.setitem(app.extensions, EXTENSION, limited)

    answers = [
        client.post("/v1/orders/bulk", json={"orders": [GOOD] * entries}, headers=bearer()) for entries in (8, 3, 1)
    ]

    assert [answer.status_code for answer in answers] == [202, 429, 202]
    assert answers[1].json["type"] == "/problems/rate-limited"
    assert int(answers[1].headers["Retry-After"]) > 0
    assert stored(database) == 9
