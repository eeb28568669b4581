"""Every route that names an order, for someone else's: the same answer as for no order at all, after the same work."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database
from redis import Redis

from api.app import make_resources
from api.resources import EXTENSION
from shared.queue import make_celery
from shared.store.connection import Document, connect
from tests.builders import a_product, an_order, bearer
from tests.integration.conftest import SETTINGS
from tests.mongo import CommandCounter, everything, put_orders, put_products

ROUTES = [("GET", "/v1/orders/{}"), ("POST", "/v1/orders/{}/cancel")]
"""`retry` is for operators, who may see every order."""

EACH_ITS_OWN = {"X-Request-ID", "Content-Length", "RateLimit"}
"""Headers that differ between any two answers, or with the length of the id that was asked for."""

MALLORY = bearer("mallory", "orders:read orders:write")


@pytest.fixture
def counter() -> CommandCounter:
    return CommandCounter()


@pytest.fixture
def counted(
    app: Flask, mongo_url: str, redis: Redis, counter: CommandCounter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """The API on a connection that counts commands."""
    database = connect(mongo_url, timeout_milliseconds=20_000, listeners=[counter])
    resources = make_resources(SETTINGS, database=database, redis=redis, celery=make_celery(SETTINGS.shared))
    monkeypatch.setitem(app.extensions, EXTENSION, resources)
    yield app.test_client()
    resources.acceptor.close(5)
    database.client.close()


def test_these_are_all_the_routes_that_name_an_order(app: Flask) -> None:
    named = {
        (method, re.sub(r"<.*>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        if "order_id" in rule.arguments
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert named == {*ROUTES, ("POST", "/v1/orders/{}/retry")}


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("status", ["pending", "confirmed", "rejected", "failed", "cancelled"])
def test_someone_elses_order_is_as_if_there_were_none(
    counted: FlaskClient, database: Database[Document], counter: CommandCounter, method: str, path: str, status: str
) -> None:
    put_products(database, a_product("MUG-01"))
    [order_id] = put_orders(database, an_order(customer="alice"))
    database.orders.update_one({"_id": order_id}, {"$set": {"status": status}})
    before = everything(database)

    def ask(named: str) -> tuple[Any, ...]:
        with counter.counting() as commands:
            response = counted.open(path.format(named), method=method, headers=MALLORY)
        body = response.text.replace(named, "ID").replace(response.headers["X-Request-ID"], "REQUEST")
        headers = {name: value for name, value in response.headers.items() if name not in EACH_ITS_OWN}
        return response.status_code, body, headers, dict(commands)

    theirs, none = ask(order_id), ask(an_order().order_id)

    assert theirs == none
    assert theirs[0] == 404
    assert everything(database) == before
