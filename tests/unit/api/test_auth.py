"""Who is let in: a table of tokens that must not be, and the scope that every route asks for."""

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import replace
from functools import partial
from typing import Any

import jwt
import pytest

from api.auth import SCOPES, TOKEN_CHARACTERS_MAX
from api.issuer_keys import KeyUnknown
from api.resources import EXTENSION
from api.token_settings import TokenSettings
from api.tokens import TokenVerifier
from shared.domain.errors import Unavailable
from tests.builders import A_DAY, JWT_SECRET, a_token, bearer
from tests.keys import rsa_key

OTHER_SECRET = "another-9vQ2xK7rTbL0-9vQ2xK7rTbL0-9vQ2xK"
ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(payload: bytes, header: dict[str, Any] | None = None) -> str:
    """A token with our key on a payload that no library would write."""
    text = f"{encoded(json.dumps(header or {'alg': 'HS256'}).encode())}.{encoded(payload)}"
    return f"{text}.{encoded(hmac.digest(JWT_SECRET.encode(), text.encode(), hashlib.sha256))}"


def without_signature(token: str) -> str:
    return token.rpartition(".")[0] + "."


def of_someone_else(token: str) -> str:
    """With the signature of another payload."""
    return token.rpartition(".")[0] + "." + a_token("mallory").rpartition(".")[2]


BAD_TOKENS = {
    "none algorithm": jwt.encode({"sub": "a", "scope": "orders:write", "exp": 2**40}, None, "none"),
    "none algorithm, our signature": signed(b'{"sub":"a","scope":"orders:write","exp":1e12}', {"alg": "none"}),
    "other key": a_token(key=OTHER_SECRET),
    "HS384": a_token(key=JWT_SECRET * 2, algorithm="HS384"),
    "HS512 with our key": a_token(key=JWT_SECRET * 2, algorithm="HS512"),
    "no signature": without_signature(a_token()),
    "another token's signature": of_someone_else(a_token()),
    "expired": a_token(seconds=-60),
    "not valid yet": a_token(nbf=int(time.time()) + A_DAY // 2),
    "exp as text": a_token(exp="tomorrow"),
    "exp as a list": signed(b'{"sub":"a","scope":"orders:write","exp":[]}'),
    "exp is infinite": signed(b'{"sub":"a","scope":"orders:write","exp":Infinity}'),
    "no exp": a_token(exp=None),
    "no sub": a_token(sub=None),
    "no scope": a_token(scope=None),
    "scope as a list": a_token(scope=["orders:write"]),
    "scope as an object": a_token(scope={"orders:write": True}),
    "sub is a number": signed(b'{"sub":7,"scope":"orders:write","exp":1e12}'),
    "sub is an object": signed(b'{"sub":{"$gt":""},"scope":"orders:write","exp":1e12}'),
    "sub is empty": a_token(""),
    "sub is too long": a_token("a" * 256),
    "sub has a NUL": a_token("a\0"),
    "sub has a newline": a_token("a\nb"),
    "sub has half a character": signed(b'{"sub":"a\\ud800","scope":"orders:write","exp":1e12}'),
    "claims are a list": signed(b"[]"),
    "claims are not JSON": signed(b"\xff"),
    "claims are too deep": signed(b"[" * 3_000),
    "header is too deep": f"{encoded(b'[' * 4_000)}.e30.e30",
    "algorithm is a list": signed(b"{}", {"alg": ["HS256"]}),
    "unknown critical header": signed(
        b'{"sub":"a","scope":"orders:write","exp":1e12}', {"alg": "HS256", "crit": ["x"]}
    ),
    "garbage": "garbage",
    "dots": "..",
    "not ASCII": "é.é.é",
    "too long": "a" * (TOKEN_CHARACTERS_MAX + 1),
    "valid but too long": a_token(padding="a" * TOKEN_CHARACTERS_MAX),
}


def place(client, authorization: str | None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.post("/v1/orders", json=ORDER, headers=headers)


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_token_that_is_not_ours_or_not_whole_is_refused(client, database, token):
    response = place(client, f"Bearer {token}")
    assert response.status_code == 401
    assert response.json["type"] == "/problems/unauthorized"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="order-processor", error="invalid_token"'
    assert database.orders.count_documents({}) == 0


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer   ", a_token(), f"Basic {a_token()}", f"Token {a_token()}", "Bearer\t"],
)
def test_without_a_bearer_token_the_caller_is_asked_for_one(client, database, authorization):
    response = place(client, authorization)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="order-processor"'
    assert database.orders.count_documents({}) == 0


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_may_be_written_in_any_case(client, scheme):
    assert place(client, f"{scheme} {a_token()}").status_code == 202


@pytest.mark.parametrize("subject", ["a", "a" * 255, "auth0|5f7c8ec7", "Zoë Ünal"])
def test_the_subject_is_the_customer(client, subject):
    response = client.post("/v1/orders", json=ORDER, headers=bearer(subject))
    assert response.json["customer"] == subject


def test_a_token_that_has_just_expired_is_still_taken_because_clocks_differ(client):
    assert place(client, f"Bearer {a_token(seconds=-5)}").status_code == 202


def test_a_scope_that_only_looks_like_one_is_not_it(client, database):
    response = client.post("/v1/orders", json=ORDER, headers=bearer(scope="orders orders:writer xorders:write"))
    assert response.status_code == 403
    assert database.orders.count_documents({}) == 0


SCOPE_BY_ROUTE = {
    ("POST", "/v1/orders"): "orders:write",
    ("GET", "/v1/orders/some-order"): "orders:read",
    ("GET", "/v1/orders"): "orders:read",
    ("POST", "/v1/orders/bulk"): "orders:write",
    ("POST", "/v1/orders/some-order/cancel"): "orders:write",
    ("POST", "/v1/orders/some-order/retry"): "ops",
    ("POST", "/v1/products"): "products:write",
    ("PATCH", "/v1/products/MUG-01"): "products:write",
    ("DELETE", "/v1/products/MUG-01"): "products:write",
    ("POST", "/v1/products/MUG-01/stock-adjustments"): "stock:write",
    ("GET", "/v1/products/MUG-01/stock-movements"): "stock:write",
    ("POST", "/v1/products/import"): "products:write",
    ("GET", "/v1/products/export"): "products:write",
    ("POST", "/v1/products/MUG-01/purchase"): "orders:write",
}


@pytest.mark.parametrize(("route", "scope"), SCOPE_BY_ROUTE.items(), ids=str)
def test_every_other_scope_together_is_not_enough(client, database, route, scope):
    method, path = route
    others = " ".join(set(SCOPES) - {scope})
    response = client.open(path, method=method, json=ORDER, headers=bearer(scope=others))
    assert response.status_code == 403
    assert response.json["type"] == "/problems/insufficient-scope"
    assert response.json["scope"] == scope
    assert scope in response.json["detail"]
    assert response.headers["WWW-Authenticate"] == (
        f'Bearer realm="order-processor", error="insufficient_scope", scope="{scope}"'
    )
    assert database.list_collection_names() == [] or database.orders.count_documents({}) == 0


OPEN = {
    ("GET", "/v1/products"),
    ("GET", "/v1/products/MUG-01"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/problems/x"),
}
"""What needs no token."""


def test_the_two_tables_have_every_route(app):
    places = {"sku": "MUG-01", "order_id": "some-order", "slug": "x"}
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", lambda found: places[found[1]], rule.rule))
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith("document.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == set(SCOPE_BY_ROUTE) | OPEN


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("route", SCOPE_BY_ROUTE, ids=str)
def test_each_scope_opens_what_it_is_for_and_nothing_else(client, route, scope):
    method, path = route
    response = client.open(path, method=method, data=b"{not json", headers=bearer(scope=scope))
    assert (response.status_code == 403) == (scope != SCOPE_BY_ROUTE[route])
    assert response.status_code != 401


@pytest.mark.parametrize("route", SCOPE_BY_ROUTE, ids=str)
def test_without_a_token_no_body_is_even_looked_at(client, route):
    method, path = route
    response = client.open(path, method=method, data=b"{not json", content_type="text/plain")
    assert response.status_code == 401


@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/problems/unauthorized"])
def test_what_anyone_may_know_needs_no_token(client, path):
    assert client.get(path).status_code == 200


def test_reading_a_product_needs_no_token(client):
    assert client.get("/v1/products/MUG-01").status_code == 404


def answering(error: Exception) -> Any:
    def find(_kid: str | None) -> Any:
        raise error

    return find


@pytest.fixture
def client_of_issuer(app, resources, monkeypatch):
    """Of an API whose tokens another issuer signs with RS256; called with how it finds the key."""

    def make(find_key: Any):
        settings = TokenSettings("RS256", None, None, "https://issuer.test/keys", None, None, 10)
        verifier = TokenVerifier(settings, find_key)
        monkeypatch.setitem(app.extensions, EXTENSION, replace(resources, token_verifier=verifier))
        return app.test_client()

    return make


def test_a_token_of_another_issuer_opens_what_its_scopes_say(client_of_issuer):
    client = client_of_issuer(lambda _kid: rsa_key().public_key())
    token = partial(a_token, "auth0|7", key=rsa_key(), algorithm="RS256")
    assert place(client, f"Bearer {token()}").json["customer"] == "auth0|7"
    assert place(client, f"Bearer {token(scope='orders:read')}").status_code == 403
    assert place(client, f"Bearer {token(scope=['orders:write'])}").status_code == 401
    refused = place(client, f"Bearer {a_token()}")
    assert refused.status_code == 401
    assert refused.json["detail"] == "The token is not valid: it needs sub, exp and scope, signed with RS256."


def test_when_the_issuer_cant_be_asked_nobody_is_told_that_the_token_is_bad(client_of_issuer, database, logged):
    client = client_of_issuer(answering(Unavailable("the keys of the token issuer", retry_after_seconds=7)))
    response = place(client, f"Bearer {a_token(key=rsa_key(), algorithm='RS256')}")
    assert response.status_code == 503
    assert response.json["type"] == "/problems/unavailable"
    assert response.headers["Retry-After"] == "7"
    assert "WWW-Authenticate" not in response.headers
    assert [entry["what"] for entry in logged] == ["the keys of the token issuer"]
    assert database.orders.count_documents({}) == 0


def test_a_key_that_the_issuer_does_not_have_is_the_callers_fault(client_of_issuer, logged):
    response = place(client_of_issuer(answering(KeyUnknown())), f"Bearer {a_token(key=rsa_key(), algorithm='RS256')}")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="order-processor", error="invalid_token"'
    assert logged == []
