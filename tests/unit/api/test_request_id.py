"""Every answer has a request id: the caller's own when it is well formed, else one of ours."""

import re

import pytest

OURS = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("given", ["a", "req-1", "A.b_c-9", "a" * 128])
def test_a_well_formed_id_is_the_callers(client, given):
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", " ", "a b", "a" * 129, "<script>", "a\tb", "é", 'a"b', "a;b"])
def test_a_malformed_id_is_replaced(client, given):
    assert OURS.fullmatch(client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"])


def test_without_one_each_request_gets_its_own(client):
    first, second = (client.get("/livez").headers["X-Request-ID"] for _ in "12")
    assert OURS.fullmatch(first)
    assert first != second


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/livez", 405), ("POST", "/v1/orders", 401), ("GET", "/v1/products/x", 404)],
)
def test_a_refusal_has_it_in_the_header_and_in_the_body(client, method, path, status):
    response = client.open(path, method=method, headers={"X-Request-ID": "req-1"})
    assert response.status_code == status
    assert response.headers["X-Request-ID"] == response.json["request_id"] == "req-1"
