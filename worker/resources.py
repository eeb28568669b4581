"""What the tasks of one worker process work with, made at the first use, in the process that uses it."""

import threading
from dataclasses import dataclass

from pymongo.database import Database

from shared.cache import connect_redis, make_product_cache
from shared.notices import FinishedOrders
from shared.services.decide_orders import OrderDecider
from shared.store.connection import Document, connect
from shared.turns import Turns
from worker.celery import settings

TIMEOUT_MILLISECONDS = 20_000
"""For a whole deciding transaction with its retries; far below the visibility timeout of the message."""


@dataclass(frozen=True, slots=True)
class Resources:
    database: Database[Document]
    decider: OrderDecider


_made: list[Resources] = []
_making = threading.Lock()


def resources() -> Resources:
    with _making:
        if not _made:
            _made.append(_make())
        return _made[0]


def _make() -> Resources:
    database = connect(settings.mongo_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
    redis = connect_redis(settings.redis_cache_url)
    product_cache = make_product_cache(redis, settings)
    decider = OrderDecider(database, product_cache, FinishedOrders(redis), Turns(redis), settings)
    return Resources(database, decider)
