"""Cache-aside with leases on Redis: finished answers by key, and never an old one after a new one.

A reader that misses takes the lease of the key, a random token kept in the key itself, and only the holder of the lease
may fill. Invalidating deletes the key, and so the lease with it: a reader that read MongoDB before the change finds its
lease gone and can't put the old value back. Readers that find a lease taken wait for that fill. When it does not
come, they take the lease over, which makes the late filler a stranger too.

Redis down: everything is loaded from MongoDB, and Redis is left alone for a second at a time.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from shared.settings import Settings
from shared.throttle import Throttle

LEASE_MILLISECONDS = 5_000
WAIT_SECONDS = 0.25
POLL_SECONDS = 0.01
PAUSE_SECONDS = 1.0

# Both answer a hit with {etag, body}. Otherwise the lease is taken if it is free (or if ARGV[3] says so by force):
# a single {1} means taken, {0} that another has it. KEYS[1] the key, ARGV[1] the token, ARGV[2] milliseconds.
READ_OR_LEASE = """
local entry = redis.call('HMGET', KEYS[1], 'etag', 'body', 'lease')
if entry[2] then return {entry[1], entry[2]} end
if entry[3] and ARGV[3] == '0' then return {0} end
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1}
"""

# KEYS[1] the key, ARGV: token, etag, body, milliseconds to live.
FILL = """
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'etag', ARGV[2], 'body', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""

# KEYS[1] the key, ARGV[1] the token.
GIVE_UP = """
if redis.call('HGET', KEYS[1], 'lease') == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished answer: its entity tag, without quotes, and its body."""

    etag: str
    body: bytes


def connect_redis(url: str) -> Redis:
    """A client that fails within a second instead of hanging; it makes its connections when they are needed."""
    return Redis.from_url(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
    )


class LeaseCache:
    def __init__(self, redis: Redis, *, prefix: str, ttl_seconds: int) -> None:
        self._redis = redis
        self._prefix = prefix
        self._ttl_seconds = ttl_seconds
        self._read_or_lease = redis.register_script(READ_OR_LEASE)
        self._fill = redis.register_script(FILL)
        self._give_up = redis.register_script(GIVE_UP)
        self._paused_until = 0.0
        self._log_now = Throttle(seconds=1.0)

    def get_or_load(self, key: str, load: Callable[[], Entry]) -> tuple[Entry, bool]:
        """The entry, and whether it came from the cache. What `load` raises is raised, and nothing is cached."""
        if time.monotonic() < self._paused_until:
            return load(), False
        token = secrets.token_hex(8)
        try:
            hit = self._hit_or_lease(key, token)
        except RedisError as error:
            self._pause(error)
            return load(), False
        if hit:
            return hit, True
        try:
            entry = load()
        except Exception:
            self._try(self._give_up, key, token)
            raise
        self._try(self._fill, key, token, entry.etag, entry.body, self._milliseconds_to_live())
        return entry, False

    def invalidate(self, keys: Iterable[str]) -> None:
        """After the commit. A failure is logged: the time to live then bounds how long the old value is seen."""
        names = [self._name(key) for key in keys]
        if not names:
            return
        try:
            self._redis.delete(*names)
        except RedisError as error:
            self._pause(error)

    def _hit_or_lease(self, key: str, token: str) -> Entry | None:
        """The entry; or None, and then the lease is ours."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            force = time.monotonic() >= deadline
            answer = self._ask(key, token, force=force)
            if isinstance(answer, Entry):
                return answer
            if answer:
                return None
            time.sleep(POLL_SECONDS)

    def _ask(self, key: str, token: str, *, force: bool) -> Entry | bool:
        answer = cast(
            "list[bytes] | list[int]",
            self._read_or_lease(keys=[self._name(key)], args=[token, LEASE_MILLISECONDS, int(force)]),
        )
        if len(answer) == 1:
            return bool(answer[0])
        etag, body = cast("list[bytes]", answer)
        return Entry(etag.decode(), body)

    def _try(self, script: Script, key: str, *args: str | bytes | int) -> None:
        try:
            script(keys=[self._name(key)], args=list(args))
        except RedisError as error:
            self._pause(error)

    def _milliseconds_to_live(self) -> int:
        """Spread over a tenth, so that keys which were filled together do not expire together."""
        return self._ttl_seconds * 1000 - secrets.randbelow(self._ttl_seconds * 100)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    def _pause(self, error: RedisError) -> None:
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        if self._log_now():
            log.warning("cache unavailable, reading MongoDB", error=repr(error))


def make_product_cache(redis: Redis, settings: Settings) -> LeaseCache:
    """Products by SKU: filled by the API, invalidated by whoever changes a product."""
    return LeaseCache(redis, prefix="product", ttl_seconds=settings.cache_ttl_seconds)
