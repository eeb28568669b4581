"""Expect is declined before anything else is looked at, and nothing is stored."""

from tests.builders import bearer

ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}


def test_who_expects_to_be_told_to_go_on_is_asked_to_repeat_without_it(client, database):
    response = client.post("/v1/orders", json=ORDER, headers={**bearer(), "Expect": "100-continue"})
    assert response.status_code == 417
    assert response.content_type == "application/problem+json"
    assert response.headers["X-Request-ID"] == response.json["request_id"]
    assert database.orders.count_documents({}) == 0
