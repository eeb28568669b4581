"""The contenders: what each of them starts, how an order is placed with it, and how its products are stored.

All run on the same MongoDB and Redis, with writes on a majority and in the journal, and on two processes for HTTP.
"""

import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jwt
from pymongo.database import Database

from bench.ground import Ground
from bench.prepared import Headers
from local.parts import Part, environment_of, programs_of
from local.plan import WITH_METRICS
from local.ports import free_port
from local.system import System
from shared.clock import now
from shared.domain.money import Money
from shared.domain.product import Product, created
from shared.domain.warning import nobody_is_told
from shared.store.connection import Document
from shared.store.indexes import ensure_indexes
from shared.store.products import change_products

STOCK = 1_000_000_000
PRICE = Money(700, "EUR")
EXPRESS = Path(__file__).parent / "peers" / "express"
JWT_SECRET = secrets.token_urlsafe(48)

RATE_LIMIT = "600000/minute"
"""Never spent, though one subject may be all the buyers here; no more than that, so that leases of it end now and then
and Redis is asked for others, as it is under a limit that is meant."""

Command = Sequence[str]


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    title: str
    commands: Callable[[Ground], Mapping[str, Command]]
    """By the names of the parts."""
    environment: Callable[[Ground], Mapping[str, str]]
    seed: Callable[[Database[Document], Sequence[str]], None]
    path: str = "/orders"
    callers: Callable[[int], Sequence[Headers]] = lambda _: [{}]
    """The headers by which so many customers are known, where that makes a difference."""
    decides: bool = True
    missing: Callable[[], str | None] = lambda: None
    """Why it can't run here, if it can't."""


EVERY_PART = ("api", "worker", "beat", "flower")


def this_project(
    name: str = "this-project",
    title: str = "this project",
    *,
    parts: Sequence[str] = EVERY_PART,
    api: Command | None = None,
    workers: int = 1,
    **environment: str,
) -> Contender:
    """As `make run` starts it, all features on; `api` replaces its command, `environment` changes settings."""

    def commands(ground: Ground) -> dict[str, Command]:
        found: dict[str, Command] = {
            part.name: _with_metrics(part, api if api and part.name == "api" else part.command)
            for part in programs_of(_system(ground, name))
            if part.name in parts
        }
        for number in range(2, workers + 1):
            found[f"worker-{number}"] = [word.replace("worker@", f"worker-{number}@") for word in found["worker"]]
        return found

    return Contender(
        name,
        title,
        commands=commands,
        environment=lambda ground: {
            **environment_of(_system(ground, name)),
            "LOG_FORMAT": "json",
            "RATE_LIMIT_ORDERS": RATE_LIMIT,
            "RATE_LIMIT_READS": RATE_LIMIT,
            **environment,
        },
        seed=seed_ours,
        path="/v1/orders",
        callers=lambda count: [{"Authorization": f"Bearer {_token(number)}"} for number in range(count)],
    )


TUTORIAL = Contender(
    "tutorial",
    "the usual tutorial: Flask, Celery, a task per order",
    commands=lambda ground: {
        "http": _gunicorn(ground, "bench.peers.tutorial.app:app"),
        "worker": _python("celery", "-A", "bench.peers.tutorial.tasks", "worker", "--loglevel=WARNING"),
    },
    environment=lambda ground: _peer_environment(ground, "tutorial"),
    seed=lambda database, skus: _seed_peer(database, skus),
)

SYNCHRONOUS = Contender(
    "synchronous",
    "synchronous: Flask, decided in the request",
    commands=lambda ground: {"http": _gunicorn(ground, "bench.peers.synchronous.app:app")},
    environment=lambda ground: _peer_environment(ground, "synchronous"),
    seed=lambda database, skus: _seed_peer(database, skus),
)

EXPRESS_MONGOOSE = Contender(
    "express",
    "synchronous: Express and Mongoose on Node",
    commands=lambda _: {"http": ["node", str(EXPRESS / "server.js")]},
    environment=lambda ground: _peer_environment(ground, "express"),
    seed=lambda database, skus: _seed_peer(database, skus),
    missing=lambda: _node_missing(),
)

ASYNCIO = Contender(
    "asyncio",
    "asyncio: FastAPI, taskiq, a job per order",
    commands=lambda ground: {
        "http": _python(
            *("uvicorn", "bench.peers.asyncio_stack.app:app", "--workers", "2", "--log-level", "warning"),
            *("--port", str(ground.port), "--no-access-log"),
        ),
        "worker": _python(
            *("taskiq", "worker", "bench.peers.asyncio_stack.tasks:broker"),
            *("--workers", "2", "--log-level", "ERROR"),
        ),
    },
    environment=lambda ground: _peer_environment(ground, "asyncio"),
    seed=lambda database, skus: _seed_peer(database, skus),
)

FLOOR = Contender(
    "floor",
    "the floor: a bare view of Flask, on the same Granian",
    commands=lambda _: {"http": _python("bench.peers.floor")},
    environment=lambda ground: environment_of(_system(ground, "floor")),
    seed=lambda _database, _skus: None,
    decides=False,
)


def _with_metrics(part: Part, command: Command) -> Command:
    """On a port of its own, which supervisor gives it in `make run`."""
    return ["env", f"METRICS_PORT={part.metrics_port}", *command] if part.metrics_port else command


def _python(*arguments: str) -> Command:
    return [sys.executable, "-m", *arguments]


def _gunicorn(ground: Ground, app: str) -> Command:
    options = ["--workers", "2", "--threads", "16", "--no-control-socket", "--bind", f"127.0.0.1:{ground.port}"]
    return _python("gunicorn", *options, app)


def _peer_environment(ground: Ground, name: str) -> dict[str, str]:
    """Each takes of it what it needs."""
    return {
        "MONGO_URL": ground.mongo_url(name),
        "REDIS_BROKER_URL": ground.redis_broker.url,
        "REDIS_CACHE_URL": ground.redis_cache.url,
        "PORT": str(ground.port),
        "NODE_ENV": "production",
    }


def _node_missing() -> str | None:
    if shutil.which("node") is None:
        return "there is no node on PATH"
    if not (EXPRESS / "node_modules").exists():
        return "its packages are not installed: `npm ci` in bench/peers/express"
    return None


def _system(ground: Ground, name: str) -> System:
    return System(
        pid=0,
        api_port=ground.port,
        flower_port=ground.flower_port,
        metrics_ports={part: free_port() for part in WITH_METRICS},
        own_ports={},
        mongo_url=ground.mongo_url(name),
        redis_broker_url=ground.redis_broker.url,
        redis_cache_url=ground.redis_cache.url,
        jwt_secret=JWT_SECRET,
        flower_password=secrets.token_urlsafe(12),
    )


def _token(number: int) -> str:
    claims = {"sub": f"customer-{number}", "scope": "orders:read orders:write", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, JWT_SECRET, "HS256")


def seed_ours(database: Database[Document], skus: Sequence[str]) -> None:
    ensure_indexes(database)
    at = now()
    products = [Product(sku, sku, None, PRICE, STOCK, None, 1, None, at, at) for sku in skus]
    change_products(database, [], lambda _: [created(product, by="bench") for product in products], warn=nobody_is_told)


def _seed_peer(database: Database[Document], skus: Sequence[str]) -> None:
    database.products.create_index("sku", unique=True)
    database.products.insert_many({"sku": sku, "stock": STOCK} for sku in skus)
