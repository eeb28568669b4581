"""Servers for this whole folder: here processes of the product die, and networks, but no server does."""

from collections.abc import Iterator

import pytest
from redis import Redis

from local.servers import Server, running_mongod, running_redis


@pytest.fixture(scope="package")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_mongod(tmp_path_factory.mktemp("mongod")) as server:
        yield server


@pytest.fixture(scope="package")
def redis_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis-broker"), role="broker") as server:
        yield server


@pytest.fixture(scope="package")
def cache_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_redis(tmp_path_factory.mktemp("redis-cache"), role="cache") as server:
        yield server


@pytest.fixture
def redis_cache(cache_server: Server) -> Server:
    """Empty."""
    with Redis.from_url(cache_server.url) as client:
        client.flushall()
    return cache_server
