"""Notices of finished orders on Redis pub/sub, for clients that wait. Only a hint: who misses one reads MongoDB."""

import json
from collections.abc import Sequence

import structlog
from redis import Redis, RedisError

from shared.throttle import Throttle

CHANNEL = "orders.finished"
"""Each message is a JSON array of order ids."""

log = structlog.get_logger(__name__)


class FinishedOrders:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._log_now = Throttle(seconds=1.0)

    def publish(self, order_ids: Sequence[str]) -> None:
        """After the commit. Never raises: the orders are final whether anyone hears of it or not."""
        if not order_ids:
            return
        try:
            self._redis.publish(CHANNEL, json.dumps(list(order_ids)))
        except RedisError as error:
            if self._log_now():
                log.warning("finished orders not published", error=repr(error))
