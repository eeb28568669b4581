"""The services on the real servers, in this process."""

from collections.abc import Iterator

import pytest
from pymongo.database import Database
from redis import Redis

from shared.cache import LeaseCache, make_product_cache
from shared.notices import FinishedOrders
from shared.services.decide_orders import OrderDecider
from shared.store.connection import Document
from tests.builders import settings


@pytest.fixture
def product_cache(redis: Redis) -> LeaseCache:
    return make_product_cache(redis, settings())


@pytest.fixture
def decider(database: Database[Document], product_cache: LeaseCache, redis: Redis) -> Iterator[OrderDecider]:
    decider = OrderDecider(database, product_cache, FinishedOrders(redis), settings())
    yield decider
    decider.close(10)
