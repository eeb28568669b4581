"""The app factory: what Granian loads in each of its processes."""

import gc
from collections.abc import Callable
from functools import partial
from multiprocessing.util import Finalize
from typing import Any

import flask_smorest
from celery import Celery
from flask import Flask
from pymongo.database import Database
from redis import Redis

from api import bulk_orders, operations, order_list, order_moves, orders, product_files, products, stock
from api.access_log import register_access_log
from api.address import trust_proxies
from api.cors import register_cors
from api.cpu_affinity import keep_to_one_cpu
from api.document import complete
from api.document_page import register_document
from api.limits import register_limits
from api.listening import NoticeListener
from api.metrics import register_metrics
from api.paths import document_paths, register_paths
from api.permits import Permits
from api.problems import register_error_handlers
from api.request_id import register_request_id
from api.resources import EXTENSION, Resources
from api.retry_after import Pace
from api.schemas import ProblemOut
from api.security_headers import register_security_headers
from api.settings import ApiSettings, load_api_settings
from api.stopping import call_at_stop_signal, stop_with_parent
from api.tokens import make_token_verifier
from api.waiting import WaitingRoom
from api.watching import ConnectionWatch
from shared.cache import connect_redis, make_product_cache
from shared.notices import FinishedOrders, Notice
from shared.queue import Announcer, make_celery, ping_broker
from shared.services.accept_orders import OrderAcceptor
from shared.services.backpressure import Backpressure
from shared.startup import load_or_refuse
from shared.store.connection import Document, connect
from shared.telemetry import start_telemetry

DRAIN_SECONDS = 5.0


def make_app() -> Flask:
    """The app on the real services that the environment names; made after the fork, in the process that serves it."""
    settings = load_or_refuse("api", load_api_settings)
    stop_telemetry = start_telemetry("api", settings.shared)
    app = create_app(
        settings,
        database=connect(settings.shared.mongo_url, timeout_milliseconds=round(1_000 * settings.mongo_timeout_seconds)),
        redis=connect_redis(settings.shared.redis_cache_url),
        celery=make_celery(settings.shared),
    )
    resources: Resources = app.extensions[EXTENSION]
    # Granian's processes are multiprocessing's, which run finalizers but not atexit.
    Finalize(None, resources.acceptor.close, args=(DRAIN_SECONDS,), exitpriority=10)
    Finalize(None, stop_telemetry, exitpriority=5)  # the lower one ends later
    _start_threads(resources)
    # What is here now stays: the garbage collector need not look through it again and again.
    gc.freeze()
    return app


class App(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view or hook here is a coroutine. Flask looks again at each of them at every request."""
        return func


def create_app(settings: ApiSettings, *, database: Database[Document], redis: Redis, celery: Celery) -> Flask:
    app = App(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=settings.body_bytes_max,
        API_TITLE="Order Processor",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
    )
    app.extensions[EXTENSION] = make_resources(settings, database=database, redis=redis, celery=celery)
    register_metrics(app)
    if settings.access_log:
        register_access_log(app)
    register_paths(app)
    register_request_id(app)
    if settings.shared.otlp_endpoint:
        from api.request_spans import register_request_spans

        register_request_spans(app)
    register_security_headers(app)
    register_cors(app, settings.cors_origins)
    trust_proxies(app, settings.trusted_proxies)
    register_limits(app)
    _register_routes(app, settings.tokens.algorithm)
    register_error_handlers(app)
    return app


def make_resources(settings: ApiSettings, *, database: Database[Document], redis: Redis, celery: Celery) -> Resources:
    announcer = Announcer(celery)
    backpressure = Backpressure(database, pending_seconds_max=settings.pending_seconds_max)
    return Resources(
        settings=settings,
        # half of the threads always stay free of waiting for the issuer's keys
        token_verifier=make_token_verifier(settings.tokens, waiters_max=max(1, settings.threads // 2)),
        database=database,
        acceptor=OrderAcceptor(database, announcer, backpressure, settings.shared),
        announcer=announcer,
        backpressure=backpressure,
        finished_orders=FinishedOrders(redis),
        product_cache=make_product_cache(redis, settings.shared, budget_seconds=settings.mongo_timeout_seconds),
        redis_cache=redis,
        permits=Permits(redis),
        ping_broker=partial(ping_broker, celery),
        waiting_room=WaitingRoom(places_max=settings.waiters_max, read_seconds=settings.wait_read_seconds),
        pace=Pace(),
    )


def make_listener(resources: Resources) -> NoticeListener:
    def take(notice: Notice) -> None:
        resources.waiting_room.wake(notice.order_ids)
        if notice.waited_seconds is not None:
            resources.pace.observe(notice.waited_seconds)

    return NoticeListener(resources.redis_cache, on_notice=take, on_hearing=resources.waiting_room.hear)


def _start_threads(resources: Resources) -> None:
    """What a serving process has beside its requests; Granian waits for these, so those that wait are let go first."""
    settings, waiting_room = resources.settings, resources.waiting_room
    make_listener(resources).start()
    resources.backpressure.start()
    ConnectionWatch(port=settings.port, body_seconds_max=settings.body_seconds_max, waiting_room=waiting_room).start()
    call_at_stop_signal(waiting_room.close)
    stop_with_parent()
    if settings.cpu_affinity:
        keep_to_one_cpu(port=settings.port)


class Api(flask_smorest.Api):  # type: ignore[misc] # flask-smorest has no types
    ERROR_SCHEMA = ProblemOut


def _register_routes(app: Flask, algorithm: str) -> None:
    api = Api(app)
    document_paths(api)
    for resource in (orders, bulk_orders, order_list, order_moves, products, product_files, stock, operations):
        api.register_blueprint(resource.blueprint)
    register_document(app, complete(api.spec.to_dict(), app, algorithm))
