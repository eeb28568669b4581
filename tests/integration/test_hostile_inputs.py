"""Hostile bodies and parameters against every route that takes any: refused clearly, nothing changed or leaked."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from api.auth import SCOPES
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, bearer
from tests.mongo import everything, put_orders, put_products

EVERYTHING = bearer("alice", " ".join(SCOPES))
DEEP = b'{"items":' * 2_000 + b"1" + b"}" * 2_000
NOT_JSON = {
    "nothing": b"",
    "white space": b" \n\t ",
    "half": b'{"items": [',
    "text": b"items",
    "single quotes": b"{'items': []}",
    "trailing comma": b'{"items": [],}',
    "two values": b"{}{}",
    "comment": b"{/* */}",
    "NaN": b'{"quantity": NaN}',
    "infinity": b'{"quantity": -Infinity}',
    "broken UTF-8": b'{"reference": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b"\x00",
    "raw control character": b'{"reference": "\x01"}',
    "lone surrogate": rb'{"reference": "\ud800"}',
    "deep object": DEEP,
    "deep list": b"[" * 100_000,
    "form": b"items=1",
    "XML": b"<items/>",
}
NO_OBJECTS: list[Any] = [None, True, 0, -1, 1.5, "text", [], [1], [[]], [None]]
WRONG_VALUES: list[Any] = [
    *(None, True, False, -1, 1.5, 2**63, 2**64, 10**30, 1e300, -(2**63) - 1),
    *("", " ", "1", "\x00", "a\x00b", "\u202e", "$where", "a" * 100_000),
    *([], [[]], {}, {"$gt": ""}, {"$ne": None}, {"$where": "sleep(1000)"}, [{"$gt": ""}], {"a": {"b": {"c": {}}}}),
]
FIELDS: dict[tuple[str, str], list[tuple[str, ...]]] = {
    ("POST", "/v1/orders"): [("items",), ("items", "sku"), ("items", "quantity"), ("reference",)],
    ("POST", "/v1/products/MUG-01/purchase"): [("quantity",)],
    ("POST", "/v1/products"): [
        *(("sku",), ("name",), ("description",), ("price",), ("stock",), ("low_stock_threshold",)),
        *(("price", "amount"), ("price", "currency")),
    ],
    ("PATCH", "/v1/products/MUG-01"): [("name",), ("description",), ("price",), ("low_stock_threshold",)],
    ("POST", "/v1/products/MUG-01/stock-adjustments"): [("delta",), ("reason",)],
}
GOOD: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/orders"): {"items": [{"sku": "MUG-01", "quantity": 1}], "reference": "r"},
    ("POST", "/v1/products/MUG-01/purchase"): {"quantity": 1},
    ("POST", "/v1/products"): {"sku": "NEW", "name": "n", "price": {"amount": 1, "currency": "EUR"}, "stock": 1},
    ("PATCH", "/v1/products/MUG-01"): {"name": "n"},
    ("POST", "/v1/products/MUG-01/stock-adjustments"): {"delta": 1, "reason": "r"},
}
BODY_ROUTES = [*GOOD, ("POST", "/v1/orders/bulk")]
MEANT = {
    ("description", None), ("reference", None), ("low_stock_threshold", None),
    ("name", "1"), ("description", "1"),
    ("reason", "1"), ("reference", "1"), ("sku", "1"), ("name", "\u202e"), ("description", "\u202e"),
    ("reason", "\u202e"),
    ("reference", "\u202e"), ("name", "$where"), ("description", "$where"), ("reason", "$where"),
    ("reference", "$where"), ("delta", -1),
}  # fmt: skip
"""Field and value that are all right: text is text."""


@pytest.fixture(autouse=True)
def shop(database: Database[Document]) -> None:
    put_products(database, a_product("MUG-01", stock=5))
    put_orders(database, an_order(a_line("MUG-01", 1)))


def send(client: FlaskClient, route: tuple[str, str], body: bytes, **headers: str) -> Any:
    method, path = route
    sent = {**EVERYTHING, "If-Match": "*", "Content-Type": "application/json", **headers}
    return client.open(path, method=method, data=body, headers=sent)


def assert_clear_refusal(response: Any, *statuses: int) -> None:
    assert response.status_code in statuses, (response.status_code, response.text)
    assert response.content_type == "application/problem+json"
    assert response.json["detail"]
    assert len(response.data) < 5_000
    assert not re.search(r"Traceback|pymongo|mongodb|redis|/site-packages/|E11000", response.text, re.IGNORECASE)


@pytest.mark.parametrize("route", BODY_ROUTES, ids=str)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_refused(
    client: FlaskClient, database: Database[Document], route: tuple[str, str], body: bytes
) -> None:
    before = everything(database)
    assert_clear_refusal(send(client, route, body), 400)
    assert everything(database) == before


@pytest.mark.parametrize("route", BODY_ROUTES, ids=str)
def test_what_is_no_object_is_refused(
    client: FlaskClient, database: Database[Document], route: tuple[str, str]
) -> None:
    before = everything(database)
    for body in NO_OBJECTS:
        assert_clear_refusal(send(client, route, json.dumps(body).encode()), 400)
    assert everything(database) == before


@pytest.mark.parametrize("route", GOOD, ids=str)
def test_every_field_refuses_what_it_is_not(
    client: FlaskClient, database: Database[Document], route: tuple[str, str]
) -> None:
    before = everything(database)
    for field in FIELDS[route]:
        for value in WRONG_VALUES:
            if (field[-1], value if isinstance(value, str | int | None) else repr(value)) not in MEANT:
                body = json.dumps(with_value(GOOD[route], field, value)).encode()
                assert_clear_refusal(send(client, route, body), 400)
    assert everything(database) == before


def with_value(good: dict[str, Any], field: tuple[str, ...], value: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(good))
    place: Any = body
    for name in field[:-1]:
        place = place.setdefault(name, {})
        place = place[0] if isinstance(place, list) else place
    place[field[-1]] = value
    return body


@pytest.mark.parametrize("route", GOOD, ids=str)
@pytest.mark.parametrize(
    "name", ["$set", "__proto__", "constructor", "_id", "status", "customer", "version", "", "a.b", "\u0000"]
)
def test_no_field_is_taken_that_is_not_asked_for(
    client: FlaskClient, database: Database[Document], route: tuple[str, str], name: str
) -> None:
    before = everything(database)
    assert_clear_refusal(send(client, route, json.dumps({**GOOD[route], name: 1}).encode()), 400)
    assert everything(database) == before


@pytest.mark.parametrize("route", GOOD, ids=str)
def test_a_name_given_twice_is_refused(
    client: FlaskClient, database: Database[Document], route: tuple[str, str]
) -> None:
    """Readers differ in which of the two they take, so nobody can know what was meant (RFC 8259, section 4)."""
    before = everything(database)
    good = json.dumps(GOOD[route]).encode()
    name = next(iter(GOOD[route]))
    twice = good[:-1] + b', "%s": %s}' % (name.encode(), json.dumps(GOOD[route][name]).encode())
    assert_clear_refusal(send(client, route, twice), 400)
    assert everything(database) == before


def test_a_thousand_wrong_fields_have_a_short_answer(client: FlaskClient) -> None:
    body = json.dumps({f"field-{n}": n for n in range(20_000)}).encode()
    response = send(client, ("POST", "/v1/orders"), body)
    assert response.status_code == 400
    assert len(response.data) < 20_000


@pytest.mark.parametrize("route", BODY_ROUTES, ids=str)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/jsonp"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Encoding": "br"}, 415),
    ],
    ids=str,
)
def test_another_media_type_is_refused(
    client: FlaskClient, route: tuple[str, str], headers: dict[str, str], status: int
) -> None:
    assert_clear_refusal(send(client, route, json.dumps(GOOD.get(route, {})).encode(), **headers), status)


@pytest.mark.parametrize("route", BODY_ROUTES, ids=str)
def test_a_body_over_the_limit_is_refused(client: FlaskClient, route: tuple[str, str]) -> None:
    assert_clear_refusal(send(client, route, b'{"reference": "' + b"a" * 1_100_000 + b'"}'), 413)


HOSTILE_NAMES = [
    *("..", "%2e%2e", "%00", "a%00b", "%ff", "%F0%9F%92%A9", "$where", "{'$gt':''}", "[object Object]", "a" * 5_000),
    *("null", "undefined", "-1", "%20", "*", "MUG-01%0a", "MUG-01 ", "../../etc/passwd", "%2Fetc%2Fpasswd"),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/products/{}"),
        ("DELETE", "/v1/products/{}"),
        ("GET", "/v1/products/{}/stock-movements"),
        ("GET", "/v1/orders/{}"),
        ("POST", "/v1/orders/{}/cancel"),
        ("POST", "/v1/orders/{}/retry"),
        ("GET", "/problems/{}"),
    ],
)
def test_a_hostile_name_in_an_address_names_nothing(
    client: FlaskClient, database: Database[Document], method: str, path: str, name: str
) -> None:
    before = everything(database)
    response = client.open(path.format(name), method=method, headers={**EVERYTHING, "If-Match": "*"})
    assert response.status_code in (308, 404, 405), (response.status_code, response.text)
    assert everything(database) == before


HEADERS = [
    "Authorization",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Request-ID",
    "Accept",
    "Origin",
]
HEADER_VALUES = [
    "",
    " ",
    '"',
    "\x7f",
    "é",
    "\x80",
    ",",
    "a" * 9_000,
    "*",
    "W/",
    '""',
    "\t",
    "wait=99999999999999999999",
]


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("value", HEADER_VALUES)
def test_a_hostile_header_is_never_our_fault(client: FlaskClient, name: str, value: str) -> None:
    for method, path, body in [
        ("GET", "/v1/products/MUG-01", None),
        ("GET", "/v1/products?limit=1", None),
        ("POST", "/v1/orders", GOOD["POST", "/v1/orders"]),
        ("PATCH", "/v1/products/MUG-01", {"name": "n"}),
    ]:
        response = client.open(path, method=method, json=body, headers={**EVERYTHING, "If-Match": "*", name: value})
        assert response.status_code < 500, response.text
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", response.headers["X-Request-ID"])
