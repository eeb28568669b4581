"""The list of orders over HTTP on a real MongoDB: whose they are, filters, pages, and the indexes that serve them."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.documents import order_document
from shared.store.order_list import OrderQuery, list_orders
from tests.builders import a_line, an_order, bearer

OPERATOR = bearer("operator", "orders:read ops")
STATUSES = [Status.CONFIRMED, Status.REJECTED, Status.PENDING]
ORDERS = [
    an_order(a_line(f"SKU-{n % 4}"), a_line("ALL"), customer=("alice", "bob")[n % 2], status=STATUSES[n % 3])
    for n in range(24)
]


@pytest.fixture(autouse=True)
def orders(database: Database[Document]) -> None:
    database.orders.insert_many([order_document(order, announce_after_seconds=10) for order in ORDERS])


def ids(client: FlaskClient, query: str = "", headers: Any = None) -> list[str]:
    response = client.get(f"/v1/orders?limit=100&{query}", headers=headers or bearer())
    assert response.status_code == 200, response.text
    return [order["id"] for order in response.json["items"]]


def expected(**wanted: Any) -> list[str]:
    """The reference: newest first."""
    return [
        order.order_id
        for order in reversed(ORDERS)
        if all(getattr(order, name) == value for name, value in wanted.items())
    ]


def test_one_sees_ones_own_newest_first(client: FlaskClient) -> None:
    assert ids(client) == expected(customer="alice")
    assert ids(client, headers=bearer("bob")) == expected(customer="bob")
    assert ids(client, headers=bearer("carol")) == []


def test_an_operator_sees_all_or_those_of_a_customer(client: FlaskClient) -> None:
    assert ids(client, headers=OPERATOR) == expected()
    assert ids(client, "customer=bob", headers=OPERATOR) == expected(customer="bob")


def test_nobody_else_may_ask_for_anothers(client: FlaskClient) -> None:
    response = client.get("/v1/orders?customer=bob", headers=bearer("alice"))
    assert (response.status_code, response.json["scope"]) == (403, "ops")
    assert ids(client, "customer=alice") == expected(customer="alice")


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_filtered_by(client: FlaskClient, status: Status) -> None:
    assert ids(client, f"status={status.value}") == expected(customer="alice", status=status)
    assert ids(client, f"status={status.value}", headers=OPERATOR) == expected(status=status)


def test_a_sku_is_filtered_by_in_whichever_line_it_stands(client: FlaskClient) -> None:
    assert ids(client, "sku=SKU-2") == [order.order_id for order in reversed(ORDERS[2::4])]
    assert ids(client, "sku=ALL", headers=OPERATOR) == expected()
    assert ids(client, "sku=SKU-1") == [], "those are bob's"


def test_times_are_filtered_by_from_and_before(client: FlaskClient, database: Database[Document]) -> None:
    orders = [an_order(customer="dora") for _ in range(3)]
    at = [orders[0].created_at + timedelta(seconds=n) for n in range(3)]
    for order, moment in zip(orders, at, strict=True):
        milliseconds = round(moment.timestamp() * 1000)
        order_id = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}{order.order_id[13:]}"
        document = order_document(order, announce_after_seconds=10)
        database.orders.insert_one({**document, "_id": order_id, "created_at": moment})

    def count(**times: Any) -> int:
        query = "&".join(f"{name}={quote(moment.isoformat())}" for name, moment in times.items())
        return len(ids(client, query, bearer("dora")))

    assert count(created_after=at[1]) == 2, "the moment itself is in it"
    assert count(created_before=at[1]) == 1, "and here it is not, so that two windows share no order"
    assert count(created_after=at[0], created_before=at[2]) == 2
    assert count(created_after=at[1] + timedelta(microseconds=1)) == 1
    assert count(created_before=at[1] + timedelta(microseconds=1)) == 2
    assert count(created_after=at[2] + timedelta(seconds=1)) == 0


def test_the_links_lead_through_all_pages_while_new_ones_come(
    client: FlaskClient, database: Database[Document]
) -> None:
    response = client.get("/v1/orders?limit=5", headers=bearer())
    found = response.json["items"]
    while link := response.headers.get("Link"):
        database.orders.insert_one(order_document(an_order(), announce_after_seconds=10))
        response = client.get(link.removeprefix("<").removesuffix('>; rel="next"'), headers=bearer())
        found += response.json["items"]
    assert [order["id"] for order in found] == expected(customer="alice")


def test_a_cursor_shows_nobody_elses(client: FlaskClient) -> None:
    cursor = client.get("/v1/orders?limit=1", headers=OPERATOR).json["next_cursor"]
    assert set(ids(client, f"cursor={cursor}")) <= set(expected(customer="alice"))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("status=PENDING", "status"),
        ("status[$ne]=pending", "status[$ne]"),
        ("sku=-x", "sku"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2026-01-01T00:00:00", "created_after"),
        ("created_before=0", "created_before"),
        ("limit=1000", "limit"),
    ],
)
def test_a_query_that_does_not_fit_is_refused(client: FlaskClient, query: str, field: str) -> None:
    response = client.get(f"/v1/orders?{query}", headers=bearer())
    assert (response.status_code, list(response.json["errors"])) == (400, [field])


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.9Z", "9999-12-31T23:59:59Z"])
def test_times_far_away_are_taken(client: FlaskClient, time: str) -> None:
    all_or_none = (expected(customer="alice"), [])
    assert ids(client, f"created_after={time}") == all_or_none[time > "2"]
    assert ids(client, f"created_before={time}") == all_or_none[time < "2"]


@pytest.mark.parametrize(
    "query",
    [
        OrderQuery(),
        OrderQuery(customer="alice"),
        OrderQuery(status=Status.FAILED),
        OrderQuery(sku="SKU-1"),
        OrderQuery(customer="alice", status=Status.PENDING),
        OrderQuery(customer="alice", sku="SKU-2"),
        OrderQuery(status=Status.CONFIRMED, sku="SKU-2", created_after=ORDERS[3].created_at),
        OrderQuery(created_after=ORDERS[0].created_at, created_before=ORDERS[9].created_at),
    ],
    ids=lambda query: "+".join(name for name in OrderQuery.__slots__ if getattr(query, name) is not None),
)
def test_every_list_is_served_by_an_index(database: Database[Document], query: OrderQuery) -> None:
    database.command("profile", 2)

    first = list_orders(database, query, after=None, limit=2)
    if first.next:
        list_orders(database, query, after=first.next, limit=2)

    database.command("profile", 0)
    operations = list(database["system.profile"].find({"op": "query", "ns": f"{database.name}.orders"}))
    assert operations
    for operation in operations:
        assert "IXSCAN" in operation["planSummary"], operation["planSummary"]
        assert not operation.get("hasSortStage")
