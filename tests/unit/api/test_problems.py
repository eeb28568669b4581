"""What a client sees of an error: one shape for all, and nothing internal."""

import pytest
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from api.problems import PROBLEM_TYPES
from shared.domain.errors import Unavailable, WriteRefused
from tests.builders import bearer

ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}


@pytest.fixture
def find(monkeypatch):
    """`find(error)`: what is answered when looking for an order raises this."""

    def find(client, error: Exception):
        def raise_it(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("api.orders.find_order", raise_it)
        return client.get("/v1/orders/1", headers=bearer())

    return find


def requests(client):
    """One request for each way to be refused."""
    yield client.post("/v1/orders", data=b"{", content_type="application/json", headers=bearer()), 400
    yield client.post("/v1/orders", json={}, headers=bearer()), 400
    yield client.post("/v1/orders", json=ORDER, headers={**bearer(), "Idempotency-Key": "é"}), 400
    yield client.post("/v1/orders", json=ORDER), 401
    yield client.post("/v1/orders", json=ORDER, headers=bearer(scope="")), 403
    yield client.get("/nowhere"), 404
    yield client.get("/v1/orders/unknown", headers=bearer()), 404
    yield client.get("/v1/products/unknown"), 404
    yield client.delete("/livez"), 405
    yield client.post("/v1/orders", data=b"x" * 2_000_000, content_type="application/json", headers=bearer()), 413
    yield client.post("/v1/orders", data=b"a=1", content_type="text/plain", headers=bearer()), 415
    yield client.get("/livez", headers={"Host": "x" * 300}), 400


def test_every_refusal_has_one_shape(client):
    for response, status in requests(client):
        assert response.status_code == status
        assert response.content_type == "application/problem+json"
        body = response.json
        assert body["status"] == status
        slug = body["type"].removeprefix("/problems/")
        assert body["title"] == PROBLEM_TYPES[slug].title
        assert body["detail"]
        assert body["request_id"] == response.headers["X-Request-ID"]


def test_a_method_that_an_address_does_not_take_is_refused_with_those_that_it_does(client):
    response = client.delete("/v1/orders/1")
    assert response.status_code == 405
    assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", ["/nowhere", "/", "/v1", "/v1/", "/v2/orders", "/v1/orders/", "/static/../app.py"])
def test_there_is_nothing_at_an_unknown_address(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.json["type"] == "/problems/not-found"


def test_what_is_unavailable_is_logged_under_its_request_id(client, find, logged):
    response = find(client, Unavailable("MongoDB"))
    entries = [entry for entry in logged if entry["event"] == "unavailable"]
    assert [(entry["what"], entry["request_id"]) for entry in entries] == [("MongoDB", response.json["request_id"])]


def test_what_is_unavailable_says_when_to_try_again(client, find):
    response = find(client, Unavailable("MongoDB", retry_after_seconds=7))
    assert response.status_code == 503
    assert response.json["type"] == "/problems/unavailable"
    assert response.headers["Retry-After"] == "7"
    assert "7 s" in response.json["detail"]
    assert "MongoDB" not in response.text


@pytest.mark.parametrize(
    "error",
    [
        ValueError("hunter2"),
        KeyError("hunter2"),
        AssertionError("hunter2"),
        OperationFailure("hunter2: E11000 duplicate key", 2),
        ServerSelectionTimeoutError("hunter2"),
        WriteRefused(121),
        RecursionError("hunter2"),
    ],
    ids=repr,
)
def test_an_unexpected_error_is_logged_and_shows_nothing_internal(client, find, logged, error):
    response = find(client, error)
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    assert response.json == {
        "type": "/problems/internal-error",
        "title": PROBLEM_TYPES["internal-error"].title,
        "status": 500,
        "detail": "The error was logged under this request_id.",
        "request_id": response.headers["X-Request-ID"],
    }
    [entry] = [entry for entry in logged if entry["event"] == "unexpected error"]
    assert entry["exc_info"] is error
    assert entry["request_id"] == response.json["request_id"]


def test_an_outage_of_mongodb_while_accepting_is_unavailable(client, database, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ServerSelectionTimeoutError("hunter2")

    monkeypatch.setattr("mongomock.collection.Collection.insert_many", fail)
    response = client.post("/v1/orders", json=ORDER, headers=bearer())
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "hunter2" not in response.text
    assert database.orders.count_documents({}) == 0


def test_a_head_request_is_refused_without_a_body(client):
    response = client.head("/nowhere")
    assert (response.status_code, response.data) == (404, b"")
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("slug", PROBLEM_TYPES)
def test_every_problem_type_can_be_looked_up_at_its_address(client, slug):
    response = client.get(f"/problems/{slug}")
    assert response.status_code == 200
    assert response.json == {
        "type": f"/problems/{slug}",
        "title": PROBLEM_TYPES[slug].title,
        "status": PROBLEM_TYPES[slug].status,
    }


def test_an_unknown_problem_type_is_not_found(client):
    assert client.get("/problems/no-such-type").status_code == 404
