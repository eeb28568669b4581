"""The app factory: what Granian loads in each of its processes."""

from functools import partial
from multiprocessing.util import Finalize

import flask_smorest
from celery import Celery
from flask import Flask
from pymongo.database import Database
from redis import Redis

from api import operations, orders, products, stock
from api.auth import SCOPES
from api.listening import NoticeListener
from api.problems import PROBLEM_JSON, register_error_handlers
from api.request_id import register_request_id
from api.resources import EXTENSION, Resources
from api.retry_after import Pace
from api.schemas import ProblemOut
from api.settings import ApiSettings, load_api_settings
from api.stopping import call_at_stop_signal
from api.waiting import WaitingRoom
from api.watching import ConnectionWatch
from shared.cache import connect_redis, make_product_cache
from shared.log import configure_logging
from shared.notices import Notice
from shared.queue import Announcer, make_celery, ping_broker
from shared.services.accept_orders import OrderAcceptor
from shared.startup import load_or_refuse
from shared.store.connection import Document, connect

MONGO_TIMEOUT_MILLISECONDS = 1_800
"""For any one operation: when MongoDB is away, clients are told so within two seconds."""

DRAIN_SECONDS = 5.0


def make_app() -> Flask:
    """The app on the real services that the environment names; made after the fork, in the process that serves it."""
    settings = load_or_refuse("api", load_api_settings)
    configure_logging(settings.shared.log_format)
    app = create_app(
        settings,
        database=connect(settings.shared.mongo_url, timeout_milliseconds=MONGO_TIMEOUT_MILLISECONDS),
        redis=connect_redis(settings.shared.redis_cache_url),
        celery=make_celery(settings.shared),
    )
    resources: Resources = app.extensions[EXTENSION]
    # Granian's processes are multiprocessing's, which run finalizers but not atexit.
    Finalize(None, resources.acceptor.close, args=(DRAIN_SECONDS,), exitpriority=10)
    _start_threads(resources)
    return app


def create_app(settings: ApiSettings, *, database: Database[Document], redis: Redis, celery: Celery) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=settings.body_bytes_max,
        API_TITLE="Order Processor",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.extensions[EXTENSION] = make_resources(settings, database=database, redis=redis, celery=celery)
    register_request_id(app)
    _register_routes(app)
    register_error_handlers(app)
    return app


def make_resources(settings: ApiSettings, *, database: Database[Document], redis: Redis, celery: Celery) -> Resources:
    return Resources(
        settings=settings,
        database=database,
        acceptor=OrderAcceptor(database, Announcer(celery), settings.shared),
        product_cache=make_product_cache(redis, settings.shared),
        redis_cache=redis,
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
    ConnectionWatch(port=settings.port, body_seconds_max=settings.body_seconds_max, waiting_room=waiting_room).start()
    call_at_stop_signal(waiting_room.close)


class Api(flask_smorest.Api):  # type: ignore[misc] # flask-smorest has no types
    ERROR_SCHEMA = ProblemOut

    def document_errors_as_problems(self) -> None:
        """flask-smorest's ready-made responses are all errors, and documented as application/json."""
        for response in self.spec.components.responses_lazy.values():
            if "content" in response:
                response["content"] = {PROBLEM_JSON: response["content"][self.DEFAULT_RESPONSE_CONTENT_TYPE]}


def _register_routes(app: Flask) -> None:
    api = Api(app)
    api.document_errors_as_problems()
    api.spec.components.security_scheme("bearer", _bearer_scheme())
    for resource in (orders, products, stock, operations):
        api.register_blueprint(resource.blueprint)


def _bearer_scheme() -> dict[str, str]:
    scopes = "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": f"Scopes: {scopes}."}
