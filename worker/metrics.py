"""Metrics of worker and beat. Beat, of which there is one, also tells how the whole system is, as `/readyz` does."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from celery import Celery
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pymongo.database import Database

from shared.cache import connect_redis
from shared.domain.errors import Unavailable
from shared.domain.order import Status
from shared.metrics import PREFIX, UNEXPECTED_ERRORS
from shared.metrics_server import serve_metrics
from shared.queue import ping_broker
from shared.queue_depth import queue_depths
from shared.services.check_health import check_health
from shared.settings import Settings
from shared.store.connection import Document, connect
from shared.store.order_stats import count_orders

TIMEOUT_MILLISECONDS = 2_000
"""For each question to MongoDB: far below the ten seconds that Prometheus waits for a scrape."""

FAILED_MAX = 10_000

GAUGES = {
    "part_up": ("Whether the part can be reached from beat: 1 or 0.", "part"),
    "oldest_pending_order_age_seconds": ("How long the oldest pending order has waited; 0 when none does.", None),
    "worker_heartbeat_age_seconds": ("Since a worker last came to the end of a sweep.", None),
    "failed_orders": (f"Orders that are failed now and wait for an operator, {FAILED_MAX} at the most.", None),
    "queue_messages": ("Messages in the queue, without those that workers hold.", "queue"),
}
"""By name, without the prefix: what it says, and its label. One that can't be told is left out."""


class SystemCollector(Collector):
    """Asked at each scrape."""

    def __init__(self, database: Database[Document], celery: Celery, probes: dict[str, Callable[[], object]]) -> None:
        self._database = database
        self._celery = celery
        self._probes = probes

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [_gauge(name) for name in GAUGES]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        health = check_health(self._database, self._probes)
        checks = health.checks
        yield _gauge("part_up", {part: checks[part].state == "ok" for part in ("mongodb", *self._probes)})
        if checks["mongodb"].state == "ok":
            yield _gauge("oldest_pending_order_age_seconds", checks["oldest_pending_order"].figures["age_seconds"] or 0)
            heartbeat = checks["worker"].figures.get("heartbeat_age_seconds")
            if heartbeat is not None:
                yield _gauge("worker_heartbeat_age_seconds", heartbeat)
        with suppress(Unavailable):
            yield _gauge("failed_orders", count_orders(self._database, Status.FAILED, count_max=FAILED_MAX).value)
        with suppress(Unavailable):
            yield _gauge("queue_messages", queue_depths(self._celery))


def serve_worker_metrics(settings: Settings) -> None:
    if settings.metrics_port:
        serve_metrics(settings.metrics_host, settings.metrics_port, REGISTRY)


def serve_beat_metrics(settings: Settings, celery: Celery) -> None:
    if settings.metrics_port:
        database = connect(settings.mongo_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
        redis = connect_redis(settings.redis_cache_url)
        probes: dict[str, Callable[[], object]] = {
            "redis_broker": partial(ping_broker, celery),
            "redis_cache": redis.ping,
        }
        REGISTRY.register(SystemCollector(database, celery, probes))
        serve_metrics(settings.metrics_host, settings.metrics_port, REGISTRY)


def count_defect(error: BaseException) -> None:
    """Of a task that failed, which a task that will be tried again has not. An outage is no defect."""
    if not isinstance(error, Unavailable):
        UNEXPECTED_ERRORS.inc()


def _gauge(name: str, value: float | Mapping[str, float] | None = None) -> GaugeMetricFamily:
    meaning, label = GAUGES[name]
    gauge = GaugeMetricFamily(f"{PREFIX}_{name}", meaning, labels=[label] if label else [])
    for key, number in value.items() if isinstance(value, Mapping) else [("", value)]:
        if number is not None:
            gauge.add_metric([key] if label else [], number)
    return gauge
