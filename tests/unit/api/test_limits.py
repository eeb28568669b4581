"""Rate limits over HTTP: whose, on which routes, what answers say, and that a refusal has done nothing."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.limits import limited, limiter, spend
from api.permits import Permits
from api.problems import Problem
from api.resources import EXTENSION
from shared.store.documents import product_document
from tests.builders import a_product, bearer
from tests.unit.api.test_openapi import METHODS, assert_documented, call, scope_of

ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}
PRODUCTS = "/v1/products?sort=stock"
"""The order that needs no snapshot, which mongomock has not."""
UNLIMITED = {"/livez", "/readyz", "/problems/{slug}"}
A_MINUTE = range(1, 61)


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch) -> None:
    """No window ends in the middle of a test."""
    for module in ("api.limits", "api.permits", "api.permit_window"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: 1_000_000.0))


@pytest.fixture
def limit(app, resources, monkeypatch) -> Iterator[Callable[..., None]]:
    """`limit(orders="5/minute")`: that one, and no other."""
    made = []

    def limit(**limits: str) -> None:
        settings = replace(
            resources.settings, rate_limits=dict.fromkeys(resources.settings.rate_limits, "off") | limits
        )
        made.append(Permits(resources.redis_cache))
        monkeypatch.setitem(app.extensions, EXTENSION, replace(resources, settings=settings, permits=made[-1]))

    yield limit
    for permits in made:
        permits.close(5)


def place(client, subject: str = "alice", **kwargs: Any) -> TestResponse:
    return client.post("/v1/orders", **{"json": ORDER, "headers": bearer(subject)} | kwargs)


def policy_and_rest(response: TestResponse) -> tuple[str, str, int]:
    """The policy, what the limit says of it, and the seconds until all is there again."""
    match = re.fullmatch(r'"(\w+)";(r=\d+);t=(\d+)', response.headers["RateLimit"])
    assert match
    return match[1], match[2], int(match[3])


def test_the_fields_are_those_of_the_draft(client, limit):
    limit(orders="5/minute")
    first, second = place(client), place(client)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.headers["RateLimit-Policy"] == second.headers["RateLimit-Policy"] == '"orders";q=5;w=60'
    assert policy_and_rest(first)[:2] == ("orders", "r=4")
    assert policy_and_rest(second)[:2] == ("orders", "r=3")
    assert policy_and_rest(second)[2] in A_MINUTE


def test_a_refusal_is_a_problem_that_says_when_to_come_back(client, limit):
    limit(orders="2/minute")
    for _ in range(2):
        assert place(client).status_code == 202
    refused = place(client)
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    assert (refused.json["type"], refused.json["status"]) == ("/problems/rate-limited", 429)
    assert refused.json["policy"] == "orders"
    assert refused.json["request_id"] == refused.headers["X-Request-ID"]
    assert int(refused.headers["Retry-After"]) in A_MINUTE
    assert refused.headers["RateLimit-Policy"] == '"orders";q=2;w=60'
    assert policy_and_rest(refused) == ("orders", "r=0", int(refused.headers["Retry-After"]))


def test_a_refused_request_has_written_nothing(client, database, limit):
    limit(orders="1/minute", catalogue="1/minute")
    clerk = bearer("clerk", "products:write stock:write")
    product = {"sku": "MUG-02", "name": "Mug", "price": {"amount": 1, "currency": "IDR"}, "stock": 5}
    database.products.insert_one(product_document(a_product("MUG-01")))
    assert place(client).status_code == 202
    assert client.post("/v1/products", json={}, headers=clerk).status_code == 400, "it counts all the same"

    def everything() -> dict[str, list[Any]]:
        return {name: list(database[name].find()) for name in database.list_collection_names()}

    before = everything()
    refused = [
        place(client),
        client.post("/v1/products/MUG-01/purchase", json={"quantity": 1}, headers=bearer()),
        client.post("/v1/products", json=product, headers=clerk),
        client.patch("/v1/products/MUG-01", json={"name": "Cup"}, headers=clerk | {"If-Match": "*"}),
        client.delete("/v1/products/MUG-01", headers=clerk | {"If-Match": "*"}),
        client.post("/v1/products/MUG-01/stock-adjustments", json={"delta": 1, "reason": "r"}, headers=clerk),
    ]
    assert [response.status_code for response in refused] == [429] * 6
    assert everything() == before


def test_the_body_is_not_read_before_the_limit_is_asked(client, limit):
    limit(orders="1/minute")
    place(client)
    assert place(client, data=b"{", json=None, content_type="application/json").status_code == 429


def test_a_limit_is_shared_by_its_routes_and_by_no_other(client, limit):
    limit(orders="1/minute", reads="1/minute")
    assert place(client).status_code == 202
    assert client.post("/v1/products/MUG-01/purchase", json={"quantity": 1}, headers=bearer()).status_code == 429
    assert client.get("/v1/orders/1", headers=bearer()).status_code == 404
    assert client.get(PRODUCTS, headers=bearer()).status_code == 429


def test_each_subject_has_its_own_wherever_it_calls_from(client, limit):
    limit(orders="1/minute")
    assert [place(client, subject).status_code for subject in ("alice", "bob", "alice", "bob")] == [202, 202, 429, 429]
    assert place(client, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 429


@pytest.mark.parametrize("subject", ["a" * 255, "☃", "a/b/1/1/minute", "orders", "address 127.0.0.1", " "])
def test_whatever_a_subject_is_called_it_has_one_limit_of_its_own(client, limit, subject):
    limit(orders="1/minute", reads="1/minute")
    assert client.get(PRODUCTS).status_code == 200
    assert [place(client, name).status_code for name in (subject, "alice", subject)] == [202, 202, 429]


def test_reads_without_a_token_are_limited_by_address(client, limit):
    limit(reads="1/minute")

    def read(address: str, **headers: str) -> int:
        return client.get(PRODUCTS, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    assert (read("192.0.2.1"), read("192.0.2.1"), read("192.0.2.2")) == (200, 429, 200)
    assert read("192.0.2.1", **{"X-Forwarded-For": "192.0.2.77"}) == 429
    assert read("192.0.2.1", Authorization="Bearer made.up.token") == 429
    assert read("192.0.2.1", **bearer()) == 200
    assert read("192.0.2.3", **bearer()) == 429, "alice, wherever she is"
    assert (read("2001:db8::1"), read("2001:db8::2"), read("2001:db8:0:1::1")) == (200, 429, 200)


def test_made_up_tokens_are_limited_by_address_and_hold_nobody_up_who_has_one(client, limit):
    limit(unauthorized="2/minute")
    forged = {"Authorization": "Bearer made.up.token"}
    answers = [place(client, headers=headers) for headers in (forged, {}, forged, {})]
    assert [response.status_code for response in answers] == [401, 401, 429, 429]
    assert answers[2].json["policy"] == "unauthorized"
    assert answers[0].headers["RateLimit-Policy"] == '"unauthorized";q=2;w=60'
    assert place(client).status_code == 202
    assert place(client, headers=bearer(scope="")).status_code == 403
    assert place(client, headers=forged, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 401


def test_off_is_no_limit_and_says_nothing(client, limit, redis):
    limit()
    response = place(client)
    assert response.status_code == 202
    assert not {"RateLimit", "RateLimit-Policy"} & set(response.headers.keys())
    assert redis.keys("rate-limit:*") == []


def test_neither_a_subject_nor_an_address_stands_in_redis_and_every_key_ends(client, limit, redis):
    limit(orders="5/minute", reads="5/minute")
    place(client, "alice@example.org" + "x" * 200)
    client.get(PRODUCTS, environ_base={"REMOTE_ADDR": "192.0.2.123"})
    keys = redis.keys("rate-limit:*")
    assert len(keys) == 2
    for key in keys:
        assert len(key) < 100
        assert b"alice" not in key
        assert b"192.0.2" not in key
        assert 0 < redis.ttl(key) <= 120


def test_a_request_may_count_for_more_whole_or_not_at_all(app, limit):
    limit(orders="10/minute")
    with app.test_request_context():
        spend("orders", cost=8)
        with pytest.raises(Problem) as refusal:
            spend("orders", cost=3)
        assert "counts as 3, and of 10 in 60 s 2 are left" in refusal.value.detail
        spend("orders", cost=2)
        with pytest.raises(Problem):
            limited("orders", lambda: "reached")()


def test_every_route_of_the_api_declares_a_limit_and_those_of_the_process_do_not(client):
    document = client.get("/openapi.json").json
    without = {
        path for path, item in document["paths"].items()
        for method in METHODS if method in item and "429" not in item[method]["responses"]
    }  # fmt: skip
    assert without == UNLIMITED


def test_every_limited_route_refuses_as_the_document_says(client, limit):
    limit(orders="1/minute", reads="1/minute", catalogue="1/minute")
    document = client.get("/openapi.json").json
    for path, item in document["paths"].items():
        for method in (method for method in METHODS if method in item and path not in UNLIMITED):
            headers = bearer(f"{method} {path}", scope_of(item[method]) or "")
            call(client, path, method, headers=headers)
            refused = call(client, path, method, headers=headers)
            assert refused.status_code == 429, (path, method)
            assert_documented(document, path, method, refused)
            assert set(item[method]["responses"]["429"]["headers"]) <= set(refused.headers.keys())


def test_what_probes_and_people_ask_is_never_limited(client, limit):
    limit(orders="1/minute", reads="1/minute", catalogue="1/minute", unauthorized="1/minute")
    for path in ("/livez", "/readyz", "/openapi.json", "/problems/not-found"):
        answers = [client.get(path) for _ in range(20)]
        assert 429 not in {response.status_code for response in answers}, path
        assert not any("RateLimit" in response.headers for response in answers), path


def test_without_redis_the_limit_goes_on(client, limit, redis_server, logged):
    limit(orders="3/minute")
    redis_server.connected = False
    assert [place(client).status_code for _ in range(5)] == [202, 202, 202, 429, 429]
    assert [entry["event"] for entry in logged if "rate limits" in entry["event"]] != []


def test_flask_limiter_knows_the_app_and_walks_over_no_request(app):
    """Its hooks would take longer than the spending."""
    assert app.extensions["limiter"] == {limiter}
    hooks = app.before_request_funcs[None] + app.after_request_funcs[None] + app.teardown_request_funcs.get(None, [])
    assert [hook for hook in hooks if "Limiter" in repr(hook)] == []
