"""The API without one of its features: that the feature is gone, and the others are there."""

import subprocess
import sys

import pytest

from api import auth
from bench import reduced
from tests.builders import a_token, bearer

ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}
NOT_OURS = {"Authorization": f"Bearer {a_token(key='another-secret-of-thirty-two-characters')}"}


@pytest.fixture
def believing(monkeypatch):
    monkeypatch.setattr(auth, "authenticate", auth.authenticate)  # put back when the test is over
    reduced.believe_tokens()


@pytest.fixture
def unvalidating(app, monkeypatch):
    view = app.view_functions[reduced.PLACE_ORDER]
    monkeypatch.setitem(app.view_functions, reduced.PLACE_ORDER, view)
    reduced.skip_validation(app)


def test_with_all_features_a_token_must_be_ours_and_a_body_must_fit(client):
    assert client.post("/v1/orders", json=ORDER, headers=NOT_OURS).status_code == 401
    assert client.post("/v1/orders", json=ORDER | {"colour": "red"}, headers=bearer()).status_code == 400


@pytest.mark.usefixtures("believing")
def test_without_the_token_whatever_it_is_is_believed_and_limits_and_validation_stay(client, database):
    answer = client.post("/v1/orders", json=ORDER, headers=NOT_OURS)
    assert (answer.status_code, database.orders.count_documents({})) == (202, 1)
    assert "RateLimit" in answer.headers
    assert client.post("/v1/orders", json=ORDER | {"colour": "red"}, headers=NOT_OURS).status_code == 400


@pytest.mark.usefixtures("believing")
def test_without_the_token_different_ones_are_different_customers(client, database):
    for sub in ("alice", "bob", "bob"):
        client.post("/v1/orders", json=ORDER, headers=bearer(sub))
    assert len(database.orders.distinct("customer")) == 2


@pytest.mark.usefixtures("unvalidating")
def test_without_validation_a_body_that_does_not_fit_is_taken_and_token_and_limit_stay(client, database):
    answer = client.post("/v1/orders", json=ORDER | {"colour": "red"}, headers=bearer())
    assert (answer.status_code, database.orders.count_documents({})) == (202, 1)
    assert answer.json["items"] == [{"sku": "MUG-01", "quantity": 1, "unit_price": None}]
    assert "RateLimit" in answer.headers
    assert client.post("/v1/orders", json=ORDER, headers=NOT_OURS).status_code == 401


def test_what_granian_loads_makes_nothing_that_counts_before_the_process_keeps_its_counts():
    code = "import bench.reduced_process; from prometheus_client import generate_latest; print(generate_latest())"
    metrics = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "python_info" in metrics
    assert "rate_limit" not in metrics
