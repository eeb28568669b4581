"""Fakes for the quick tests: nothing here opens a socket, and every test has a database and a Redis of its own."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import fakeredis
import mongomock
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from pymongo.errors import BulkWriteError

from api.app import create_app, make_resources
from api.resources import EXTENSION, Resources
from shared.queue import make_celery
from shared.store.indexes import INDEXES
from tests.builders import api_settings, settings

SETTINGS = api_settings(shared=settings(redis_broker_url="memory://"))

LogEntries = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def logged() -> Iterator[LogEntries]:
    """What is logged during the test."""
    with structlog.testing.capture_logs() as entries:
        yield entries


class CompleteBulkWriteError(BulkWriteError):
    """With the field that MongoDB's always has and mongomock's lacks."""

    def __init__(self, details: dict[str, Any]) -> None:
        super().__init__({"writeConcernErrors": [], **details})


@pytest.fixture
def database(monkeypatch) -> mongomock.Database:
    monkeypatch.setattr("mongomock.collection.BulkWriteError", CompleteBulkWriteError)
    database = mongomock.MongoClient(tz_aware=True).get_database("tests")
    for collection, indexes in INDEXES.items():
        for index in indexes:
            # One by one: mongomock's create_indexes loses the partial filters.
            options = dict(index.document)
            database[collection].create_index(list(options.pop("key").items()), **options)
    return database


@pytest.fixture
def redis_server() -> fakeredis.FakeServer:
    """`redis_server.connected = False` takes it down."""
    return fakeredis.FakeServer()


@pytest.fixture
def redis(redis_server: fakeredis.FakeServer) -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis(server=redis_server)


@pytest.fixture
def resources(database: mongomock.Database, redis: fakeredis.FakeRedis) -> Iterator[Resources]:
    """What the views of this test work with."""
    resources = make_resources(SETTINGS, database=database, redis=redis, celery=make_celery(SETTINGS.shared))
    yield resources
    resources.acceptor.close(5)
    resources.permits.close(5)


@pytest.fixture(scope="session")
def app() -> Iterator[Flask]:
    """Made once, because the making of its document takes longer than a test; it keeps nothing from test to test."""
    nothing = mongomock.MongoClient().get_database("nothing")
    app = create_app(SETTINGS, database=nothing, redis=fakeredis.FakeRedis(), celery=make_celery(SETTINGS.shared))
    yield app
    app.extensions[EXTENSION].acceptor.close(5)
    app.extensions[EXTENSION].permits.close(5)


@pytest.fixture
def client(app: Flask, resources: Resources, monkeypatch) -> FlaskClient:
    monkeypatch.setitem(app.extensions, EXTENSION, resources)
    return app.test_client()
