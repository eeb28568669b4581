"""A commit reaches MongoDB when the one who sent it has given up: the cache tells the truth soon after it."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from pymongo.database import Database
from redis import Redis

from local.servers import Server
from shared.cache import LeaseCache, connect_redis, make_product_cache
from shared.domain.errors import Unavailable
from shared.local_copies import Entry
from shared.services.adjust_stock import adjust_stock
from shared.store.connection import Document, connect
from shared.store.products import find_product
from tests.builders import a_product, settings
from tests.mongo import assert_ledger_true, put_products, stock_of
from tests.stack import wait_until
from tests.toxic_proxy import Connection, Way, toxic_proxy

TIMEOUT_MILLISECONDS = 500
LATE_SECONDS = 2.0
FOR_EVER = settings(cache_ttl_seconds=600)


def commit_late(_: Connection, way: Way, data: bytes) -> bytes:
    if way is Way.TO_SERVER and b"commitTransaction\x00" in data:
        time.sleep(LATE_SECONDS)
    return data


@pytest.fixture
def redis(redis_cache: Server) -> Iterator[Redis]:
    with connect_redis(redis_cache.url) as client:
        yield client


def test_what_was_cached_before_a_late_commit_goes(database: Database[Document], mongod: Server, redis: Redis) -> None:
    put_products(database, a_product("MUG", stock=10))
    readers = make_product_cache(redis, FOR_EVER)
    with toxic_proxy(mongod.port) as proxy:
        proxy.toxic = commit_late
        late_url = f"mongodb://127.0.0.1:{proxy.port}/{database.name}?directConnection=true"
        late = connect(late_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
        writer = make_product_cache(redis, FOR_EVER)
        with suppress(Unavailable):
            adjust_stock(late, writer, "MUG", delta=-3, reason="loss", by="clerk", idempotency_key=None)
            pytest.fail("the commit was answered")
        assert shown_stock(readers, database) == 10, "cached while nobody knows"
        wait_until(lambda: stock_of(database, "MUG") == 7, "the commit to arrive")
        late.client.close()

    wait_until(lambda: shown_stock(readers, database) == 7, "the cache to tell it", limit=5)
    assert_ledger_true(database)


def shown_stock(cache: LeaseCache, database: Database[Document]) -> int:
    def load(_: float) -> Entry:
        return Entry("a tag", str(find_product(database, "MUG").stock).encode())

    return int(cache.get_or_load("MUG", load)[0].body)
