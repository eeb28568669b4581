"""Waiting until MongoDB and Redis serve: those started here, and those that were given by a URL."""

import time
from collections.abc import Callable

import redis

from local.errors import ServerFailed
from local.replica_set import initiate_replica_set
from local.system import MONGODB, REDIS_BROKER, REDIS_CACHE, System
from shared.store.connection import MongoUnsuitable, check_replica_set, connect

START_SECONDS = 30.0
GIVEN_SECONDS = 5.0
"""One that was given should be there already."""


def wait_for_servers(system: System, waiting_for: Callable[[str], None]) -> None:
    """Calls `waiting_for` with what it waits for, again and again. Raises what that raises, and `ServerFailed`."""
    if MONGODB in system.own_ports:
        initiate_replica_set(system.own_ports[MONGODB], START_SECONDS, lambda: waiting_for("MongoDB"))
    else:
        refuse_unsuitable_mongodb(system.mongo_url)
    _wait_for_one_redis(system, REDIS_BROKER, system.redis_broker_url, waiting_for)
    _wait_for_one_redis(system, REDIS_CACHE, system.redis_cache_url, waiting_for)


def wait_for_redis(url: str, timeout: float, on_wait: Callable[[], None]) -> None:
    """Waits until Redis answers PING, which it refuses to do while it still loads its file."""
    deadline = time.monotonic() + timeout
    with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise ServerFailed(f"Redis does not answer after {timeout:g} s: {error}") from error
            on_wait()
            time.sleep(0.05)


def refuse_unsuitable_mongodb(url: str) -> None:
    """Raises `ServerFailed`, within seconds, when nobody answers there or no transactions can run."""
    database = connect(url, timeout_milliseconds=3_000)
    try:
        check_replica_set(database)
    except MongoUnsuitable as error:
        raise ServerFailed(str(error)) from error
    finally:
        database.client.close()


def _wait_for_one_redis(system: System, name: str, url: str, waiting_for: Callable[[str], None]) -> None:
    own = name in system.own_ports
    if not own and not url.startswith(("redis://", "rediss://")):
        return  # the broker may be another one than Redis
    try:
        wait_for_redis(url, START_SECONDS if own else GIVEN_SECONDS, lambda: waiting_for(name))
    except ServerFailed as error:
        raise ServerFailed(f"{name}: {error}") from error
