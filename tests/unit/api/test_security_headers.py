"""What every answer says to browsers, and which pages may call."""

import re

import fakeredis
import mongomock
import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.resources import EXTENSION
from api.settings import load_api_settings
from shared.queue import make_celery
from shared.settings import SettingsInvalid
from tests.builders import ENVIRONMENT, api_settings, bearer, settings

PAGE = "https://shop.example"


@pytest.mark.parametrize("path", ["/livez", "/v1/products/ghost", "/v1/orders/x", "/no-such-address", "/openapi.json"])
def test_every_answer_says_that_it_is_data_and_nothing_to_run(client, path):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"]


def test_what_is_not_said_to_be_kept_is_not_to_be_kept(client):
    placed = client.post("/v1/orders", json={"items": [{"sku": "M", "quantity": 1}]}, headers=bearer())
    assert placed.headers["Cache-Control"] == "no-store"
    assert client.get("/v1/orders/x").headers["Cache-Control"] == "no-store"
    assert client.get(placed.headers["Location"], headers=bearer()).headers["Cache-Control"] == "private, no-cache"


class TestThePage:
    def test_it_loads_nothing_from_elsewhere(self, client):
        page = client.get("/docs")
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert re.findall(r"(?:https?:)?//", page.text) == []
        for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            with client.get(address) as asset:
                assert asset.status_code == 200, address

    def test_nothing_is_written_into_it_that_the_policy_would_stop(self, client):
        assert re.findall(r"<script>|<style|onload=", client.get("/docs").text) == []

    @pytest.mark.parametrize("name", ["../app.py", "..%2Fapp.py", "%2e%2e/app.py", "no-such-file"])
    def test_it_leads_to_no_other_file(self, client, name):
        response = client.get(f"/docs/{name}")
        assert response.status_code == 404
        assert response.json["type"] == "/problems/not-found"


def client_with(*origins: str) -> FlaskClient:
    configured = api_settings(cors_origins=list(origins), shared=settings(redis_broker_url="memory://"))
    app = create_app(
        configured,
        database=mongomock.MongoClient().get_database("nothing"),
        redis=fakeredis.FakeRedis(),
        celery=make_celery(configured.shared),
    )
    app.extensions[EXTENSION].acceptor.close(5)
    return app.test_client()


@pytest.fixture(scope="module")
def open_to_the_page() -> FlaskClient:
    return client_with(PAGE)


def preflight(client: FlaskClient, origin: str):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}
    return client.options("/v1/orders", headers={"Origin": origin, **asked})


def test_by_default_no_page_may_call(client):
    for response in (preflight(client, PAGE), client.get("/livez", headers={"Origin": PAGE})):
        assert "Access-Control" not in str(response.headers)


def test_a_page_that_may_call_is_told_so_without_a_token(open_to_the_page):
    response = preflight(open_to_the_page, PAGE)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"].lower() == "authorization, idempotency-key"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_it_may_read_the_headers_of_answers_and_of_refusals(open_to_the_page):
    response = open_to_the_page.get("/v1/orders/x", headers={"Origin": PAGE})
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example.evil.test",
        "http://shop.example",
        "https://shopxexample",
        "null",
        "https://shop.example:8443",
    ],
)
def test_no_other_page_may(open_to_the_page, origin):
    assert "Access-Control-Allow-Origin" not in preflight(open_to_the_page, origin).headers


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/", "https://*.example", ".*", "https://a b"])
def test_what_is_no_origin_is_refused_at_start(monkeypatch, origins):
    for name, value in {**ENVIRONMENT, "CORS_ORIGINS": origins}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match="CORS_ORIGINS"):
        load_api_settings()


@pytest.mark.parametrize(
    ("given", "read"), [("", []), (f"{PAGE},http://localhost:3000", [PAGE, "http://localhost:3000"])]
)
def test_origins_are_separated_by_commas(monkeypatch, given, read):
    for name, value in {**ENVIRONMENT, "CORS_ORIGINS": given}.items():
        monkeypatch.setenv(name, value)
    assert load_api_settings().cors_origins == read
