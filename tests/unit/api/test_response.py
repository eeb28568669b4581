"""What every answer has and has once, whatever kind it is."""

import pytest

from tests.builders import bearer

BODY = {"items": [{"sku": "MUG-01", "quantity": 1}]}


def names_of(response) -> list[str]:
    return [name.lower() for name, _ in response.headers]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("HEAD", "/livez", 200),
        ("OPTIONS", "/v1/orders", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/orders", 401),
        ("PUT", "/v1/orders", 405),
        ("GET", "/openapi.json", 200),
    ],
)
def test_no_header_comes_twice_and_the_length_is_that_of_the_body(client, method, path, status):
    response = client.open(path, method=method)
    assert response.status_code == status
    assert len(names_of(response)) == len(set(names_of(response)))
    if method == "HEAD":
        assert response.data == b""
        assert response.content_length == client.get(path).content_length > 0
    else:
        assert response.content_length == len(response.data)


def test_what_has_not_changed_has_no_body_and_no_length(client):
    etag = client.get("/openapi.json").headers["ETag"]
    response = client.get("/openapi.json", headers={"If-None-Match": etag})
    assert (response.status_code, response.data) == (304, b"")
    assert "content-length" not in names_of(response)
    assert len(names_of(response)) == len(set(names_of(response)))


def test_an_accepted_order_has_each_header_once(client):
    response = client.post("/v1/orders", json=BODY, headers={**bearer(), "Idempotency-Key": "k"})
    assert response.status_code == 202
    assert len(names_of(response)) == len(set(names_of(response)))
    assert response.content_length == len(response.data)
