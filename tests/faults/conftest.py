"""Servers of the test's own, to kill and start again on the same port and data."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.servers import Server, running_mongod, running_redis


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Server]:
    with running_mongod(tmp_path / "mongod") as server:
        yield server


@pytest.fixture
def redis_broker(tmp_path: Path) -> Iterator[Server]:
    with running_redis(tmp_path / "redis-broker", role="broker") as server:
        yield server


@pytest.fixture
def redis_cache(tmp_path: Path) -> Iterator[Server]:
    with running_redis(tmp_path / "redis-cache", role="cache") as server:
        yield server
