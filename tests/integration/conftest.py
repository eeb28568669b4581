"""The services on the real servers, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database
from redis import Redis

from api.app import create_app, make_resources
from api.resources import EXTENSION
from local.servers import Server
from shared.cache import LeaseCache, make_product_cache
from shared.notices import FinishedOrders
from shared.queue import make_celery
from shared.services.decide_orders import OrderDecider
from shared.store.connection import Document, connect
from shared.turns import Turns
from tests.builders import api_settings, settings


@pytest.fixture
def product_cache(redis: Redis) -> LeaseCache:
    return make_product_cache(redis, settings())


@pytest.fixture
def decider(database: Database[Document], product_cache: LeaseCache, redis: Redis) -> Iterator[OrderDecider]:
    decider = OrderDecider(database, product_cache, FinishedOrders(redis), Turns(redis), settings())
    yield decider
    decider.close(10)


SETTINGS = api_settings(shared=settings(redis_broker_url="memory://"))


@pytest.fixture(scope="session")
def app(mongod: Server) -> Iterator[Flask]:
    """Made once, because the making of its document takes longer than a test; `client` gives it what it works with."""
    nothing = connect(f"mongodb://127.0.0.1:{mongod.port}/nothing", timeout_milliseconds=1_000)
    app = create_app(SETTINGS, database=nothing, redis=Redis(), celery=make_celery(SETTINGS.shared))
    yield app
    app.extensions[EXTENSION].acceptor.close(5)
    app.extensions[EXTENSION].permits.close(5)
    nothing.client.close()


@contextmanager
def client_on(
    app: Flask, database: Database[Document], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    resources = make_resources(SETTINGS, database=database, redis=redis, celery=make_celery(SETTINGS.shared))
    monkeypatch.setitem(app.extensions, EXTENSION, resources)
    yield app.test_client()
    resources.acceptor.close(5)
    resources.permits.close(5)


@pytest.fixture
def client(
    app: Flask, database: Database[Document], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """The API in this process, on the database and the cache of the test; orders are accepted, and never announced."""
    with client_on(app, database, redis, monkeypatch) as client:
        yield client
