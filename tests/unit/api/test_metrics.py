"""What is counted of requests, and that no request makes more series than there are routes."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY, generate_latest

from api.metrics import METHODS
from shared.store.documents import product_document
from tests.builders import a_product
from tests.scrape import Metrics

DURATION = "http_request_duration_seconds_count"


def metrics() -> Metrics:
    return Metrics(generate_latest(REGISTRY).decode())


def label_sets() -> set[tuple[tuple[str, str], ...]]:
    name = f"order_processor_{DURATION}"
    return {tuple(sorted(sample.labels.items())) for sample in metrics().samples if sample.name == name}


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/livez", {"route": "/livez", "method": "GET", "status": "200"}),
        ("HEAD", "/livez", {"route": "/livez", "method": "HEAD", "status": "200"}),
        ("GET", "/v1/orders/made-up", {"route": "/v1/orders/<order_id:order_id>", "method": "GET", "status": "401"}),
        ("POST", "/v1/orders", {"route": "/v1/orders", "method": "POST", "status": "401"}),
        ("GET", "/nowhere", {"route": "unmatched", "method": "GET", "status": "404"}),
        ("DELETE", "/livez", {"route": "unmatched", "method": "DELETE", "status": "405"}),
        ("BREW", "/livez", {"route": "unmatched", "method": "other", "status": "405"}),
    ],
)
def test_a_request_is_counted_by_the_rule_that_matched_its_method_and_its_status(client, method, path, labels):
    before = metrics().total(DURATION, **labels)
    client.open(path, method=method)
    assert metrics().total(DURATION, **labels) == before + 1


def test_hostile_addresses_and_methods_make_no_series_of_their_own(client: FlaskClient, app: Flask):
    client.get("/nowhere-0")
    client.open("/livez", method="METHOD0")
    client.get("/v1/products/SKU-0")
    client.get("/v1/orders/order-0")
    before = label_sets()
    for number in range(1, 100):
        client.get(f"/nowhere-{number}")
        client.open("/livez", method=f"METHOD{number}")
        client.get(f"/v1/products/SKU-{number}?page={number}")
        client.get(f"/v1/orders/order-{number}", headers={"X-Request-ID": f"id-{number}"})
    assert label_sets() == before
    routes = {rule.rule for rule in app.url_map.iter_rules()} | {"unmatched"}
    for labels in map(dict, label_sets()):
        assert labels["route"] in routes
        assert labels["method"] in METHODS | {"other"}
        assert 100 <= int(labels["status"]) <= 599


def test_a_defect_is_counted(client, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr("api.operations.check_health", broken)
    before = metrics().total("unexpected_errors_total")
    assert client.get("/readyz").status_code == 500
    assert metrics().total("unexpected_errors_total") == before + 1


def test_products_are_counted_as_found_in_the_cache_or_not(client, database):
    database.products.insert_one(product_document(a_product("MUG")))
    before = metrics()
    for _ in range(3):
        client.get("/v1/products/MUG")
    after = metrics()
    grown = {
        result: after.total("cache_reads_total", result=result) - before.total("cache_reads_total", result=result)
        for result in ("hit", "miss")
    }
    assert grown == {"hit": 2, "miss": 1}
