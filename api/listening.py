"""The one subscription of an API process to the notices of finished orders.

It runs from the start of the process: clients that wait are woken by it, and Retry-After learns from it how long orders
wait at present. It connects again by itself. Nobody depends on it: whoever waits reads MongoDB now and then.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from redis import Redis, RedisError

from shared.notices import CHANNEL, Notice, read_notice
from shared.throttle import Throttle

PAUSE_SECONDS = 0.5
"""Between two attempts to connect."""

SILENCE_SECONDS = 5.0
"""Then it asks whether the connection is alive; when that is not answered either in as long, it makes another."""

log = structlog.get_logger(__name__)


class NoticeListener:
    def __init__(
        self, redis: Redis, *, on_notice: Callable[[Notice], None], on_hearing: Callable[[bool], None]
    ) -> None:
        """`on_hearing`: with True when it has subscribed, for the first time or again; with False when that is over."""
        self._redis = redis
        self._on_notice = on_notice
        self._on_hearing = on_hearing
        self._stopped = threading.Event()
        self._log_now = Throttle(seconds=1.0)
        self._thread = threading.Thread(target=self._run, name="notice-listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._stopped.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._redis.pubsub() as subscription:  # type: ignore[no-untyped-call] # redis-py left it out
                    subscription.subscribe(CHANNEL)
                    self._listen(subscription)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next connection may be better
                if self._log_now():
                    log.warning("no notices of finished orders, reading MongoDB", error=repr(error))
            self._on_hearing(False)
            self._stopped.wait(PAUSE_SECONDS)

    def _listen(self, subscription: Any) -> None:
        """Until it is stopped. Raises `RedisError` when the connection is lost or silent for too long."""
        heard_at, asked = time.monotonic(), False
        while not self._stopped.is_set():
            message = subscription.get_message(timeout=0.5)
            if message:
                heard_at, asked = time.monotonic(), False
                self._take(message)
            elif time.monotonic() - heard_at > SILENCE_SECONDS:
                if asked:
                    raise RedisError("silent")
                subscription.ping()
                heard_at, asked = time.monotonic(), True

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._on_hearing(True)
        elif message["type"] == "message" and (notice := read_notice(message["data"])):
            self._on_notice(notice)
