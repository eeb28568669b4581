"""The real servers, started once a session on free ports. A server that can't start fails the tests that need it."""

from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo.database import Database
from redis import Redis

from local.servers import Server, running_mongod, running_redis
from shared.cache import connect_redis
from shared.store.connection import Document, connect
from shared.store.indexes import ensure_indexes
from tests.stack import Stack

_redis_databases = count()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the parts of the test's system wrote last."""
    report = yield
    stack = item.funcargs.get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections += [(f"Log of {name}", text) for name, text in stack.log_ends().items()]
    return report


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_mongod(tmp_path_factory.mktemp("mongod")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis-broker"), role="broker") as server:
        yield server


@pytest.fixture(scope="session")
def redis_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis-cache"), role="cache") as server:
        yield server


@pytest.fixture
def mongo_url(mongod: Server) -> str:
    """A database of the test's own."""
    return f"mongodb://127.0.0.1:{mongod.port}/test_{uuid4().hex[:12]}?replicaSet=rs0"


@pytest.fixture
def database(mongo_url: str) -> Iterator[Database[Document]]:
    database = connect(mongo_url, timeout_milliseconds=20_000)
    ensure_indexes(database)
    yield database
    database.client.drop_database(database.name)
    database.client.close()


@pytest.fixture
def redis(redis_cache: Server) -> Iterator[Redis]:
    """A cache of the test's own, empty."""
    with connect_redis(f"redis://127.0.0.1:{redis_cache.port}/{next(_redis_databases) % 16}") as client:
        client.flushdb()
        yield client


@pytest.fixture
def broker_url(redis_broker: Server) -> str:
    """A broker of the test's own, empty."""
    url = f"redis://127.0.0.1:{redis_broker.port}/{next(_redis_databases) % 16}"
    with Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def stack(
    mongo_url: str, broker_url: str, redis_cache: Server, database: Database[Document], tmp_path: Path
) -> Iterator[Stack]:
    """API, workers and beat as they run in production, as many as the test starts; stopped at its end."""
    with Stack(tmp_path, database, mongo_url, broker_url, redis_cache.url) as stack:
        yield stack
