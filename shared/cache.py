"""Cache-aside with leases on Redis: finished answers by key, and never an old one after a new one.

A reader that misses takes the lease of the key, a random token kept in the key itself, and only the holder of the lease
may fill. Invalidating deletes the key, and so the lease with it: a reader that read MongoDB before the change finds its
lease gone and can't put the old value back. Readers that find a lease taken wait for that fill. A lease of a second,
whose holder may be dead, is taken over by one of them, which makes the late filler a stranger too.

A writer whose change shows elsewhere first, such as in the status of an order, closes the entries right before it
commits, by a lease of its own, and invalidates them after: whoever has seen the change is not shown what was before it.

Redis down: everything is loaded from MongoDB, and one reader a second tries whether Redis is back.
"""

import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from shared.domain.errors import Unavailable
from shared.metrics import CACHE_FILLS_REFUSED
from shared.owed_invalidations import OwedInvalidations
from shared.settings import Settings
from shared.throttle import Throttle

LEASE_MILLISECONDS = 5_000

TAKE_OVER_MILLISECONDS = 1_000
"""The age of a lease, by Redis's clock, at which it may be taken over: once a second over all processes, since taking
it over makes it young again. Longer than a slow read takes, and it leaves the one who waited the time for a read."""

BUDGET_SECONDS = 1.4
"""For the whole of a read, its waiting and its load: as long as the API gives MongoDB for any one operation."""

POLL_SECONDS = 0.005
POLL_SECONDS_MAX = 0.08
PAUSE_SECONDS = 1.0

# Both answer {etag, body}: the entry that is there; {token}: of another's lease, to be waited for; {}: go on.

# KEYS[1] the key, ARGV: token, the lease's milliseconds, its age in milliseconds when it may be taken over.
READ_OR_LEASE = """
local entry = redis.call('HMGET', KEYS[1], 'etag', 'body', 'lease')
if entry[2] then return {entry[1], entry[2]} end
local age = ARGV[2] - redis.call('PTTL', KEYS[1])
if entry[3] and age < tonumber(ARGV[3]) then return {entry[3]} end
redis.call('HSET', KEYS[1], 'lease', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {}
"""

# KEYS[1] the key, ARGV: token, etag, body, milliseconds to live.
FILL = """
local entry = redis.call('HMGET', KEYS[1], 'etag', 'body', 'lease')
if entry[2] then return {entry[1], entry[2]} end
if entry[3] and entry[3] ~= ARGV[1] then return {entry[3]} end
if not entry[3] then return {false} end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'etag', ARGV[2], 'body', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {}
"""

# KEYS: entries that are about to change. ARGV: the writer's token, the lease's milliseconds.
CLOSE = """
for _, key in ipairs(KEYS) do
  redis.call('DEL', key)
  redis.call('HSET', key, 'lease', ARGV[1])
  redis.call('PEXPIRE', key, ARGV[2])
end
"""

# KEYS: entries that have changed. What another writer has closed meanwhile is left to it. ARGV[1] the writer's token.
INVALIDATE = """
for _, key in ipairs(KEYS) do
  local lease = redis.call('HGET', key, 'lease')
  if not lease or lease == ARGV[1] or string.sub(lease, 1, 1) ~= 'w' then redis.call('DEL', key) end
end
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
        self._close = redis.register_script(CLOSE)
        self._invalidate = redis.register_script(INVALIDATE)
        self._owed = OwedInvalidations(self._settle, ttl_seconds=ttl_seconds)
        self._next_try = 0.0
        self._log_now = Throttle(seconds=1.0)

    def get_or_load(self, key: str, load: Callable[[float], Entry]) -> tuple[Entry, bool]:
        """The entry, and whether it came from the cache. `load` is called with the seconds that it has.

        What `load` raises is raised, and nothing is cached. Raises `Unavailable` when no answer comes in time.
        """
        deadline = time.monotonic() + BUDGET_SECONDS
        if not self._redis_may_be_asked():
            return load(BUDGET_SECONDS), False
        token = secrets.token_hex(8)
        try:
            hit = self._hit_or_lease(key, token, deadline)
        except RedisError as error:
            self._pause(error)
            return load(_seconds_left(deadline)), False
        if hit:
            return hit, True
        return self._load_and_fill(key, token, load, deadline), False

    @contextmanager
    def changing(self) -> Iterator[Callable[[Iterable[str]], None]]:
        """For a change that others can see as soon as it is committed, such as the status of an order.

        What is yielded closes entries: called right before the commit, it makes their readers wait for its outcome.
        Afterwards all that was closed is invalidated, whatever became of the change.
        """
        token = f"w{secrets.token_hex(8)}"
        names: set[str] = set()

        def close(keys: Iterable[str]) -> None:
            closing = [self._name(key) for key in keys]
            names.update(closing)
            if closing and self._redis_may_be_asked():
                try:
                    self._close(keys=closing, args=[token, LEASE_MILLISECONDS])
                except RedisError as error:
                    self._pause(error)

        try:
            yield close
        finally:
            self._invalidate_or_owe(names, token)

    def invalidate(self, keys: Iterable[str]) -> None:
        """After the commit. What Redis does not take is tried again until it does (`shared/owed_invalidations.py`)."""
        self._invalidate_or_owe({self._name(key) for key in keys}, token="")

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """For a process that is about to end: whether Redis knows of all invalidations by then."""
        return self._owed.wait_until_settled(timeout_seconds)

    def _invalidate_or_owe(self, names: Collection[str], token: str) -> None:
        if not names:
            return
        if self._owed:
            self._owed.add(names)  # Redis is away: no need for this caller to find that out too
            return
        try:
            self._invalidate(keys=list(names), args=[token])
        except RedisError as error:
            self._pause(error)
            self._owed.add(names)

    def _settle(self, names: Collection[str]) -> None:
        self._invalidate(keys=list(names), args=[""])

    def _hit_or_lease(self, key: str, token: str, deadline: float) -> Entry | None:
        """The entry; or None, and then the lease is ours."""
        for pause in _pauses(deadline):
            answer = self._ask(self._read_or_lease, key, token, LEASE_MILLISECONDS, TAKE_OVER_MILLISECONDS)
            if not isinstance(answer, bytes):
                return answer
            time.sleep(pause)
        raise Unavailable("a fill of the cache")

    def _load_and_fill(self, key: str, token: str, load: Callable[[float], Entry], deadline: float) -> Entry:
        try:
            entry = load(_seconds_left(deadline))
        except Exception:
            self._give_lease_up(key, token)
            raise
        try:
            return self._fill_or_wait(key, token, entry, deadline)
        except RedisError as error:
            self._pause(error)
            return entry

    def _fill_or_wait(self, key: str, token: str, entry: Entry, deadline: float) -> Entry:
        """What stands at the end: our entry, or that of the reader who has the lease now.

        That one may have read before us. If we did not wait for its fill, our caller could see it after ours, and go
        back in time. Leases taken later than that are no matter: their holders read after us.
        """
        lease = None
        for pause in _pauses(deadline):
            answer = self._ask(self._fill, key, token, entry.etag, entry.body, self._milliseconds_to_live())
            CACHE_FILLS_REFUSED.inc(lease is None and answer is not None)
            if isinstance(answer, Entry):
                return answer
            lease = lease or answer
            if not answer or answer != lease:
                break
            time.sleep(pause)
        return entry

    def _give_lease_up(self, key: str, token: str) -> None:
        try:
            self._give_up(keys=[self._name(key)], args=[token])
        except RedisError as error:
            self._pause(error)

    def _ask(self, script: Script, key: str, *args: str | bytes | int) -> Entry | bytes | None:
        """The entry, another's lease to wait for, or None."""
        answer = cast("list[bytes | None]", script(keys=[self._name(key)], args=list(args)))
        self._next_try = 0.0
        match answer:
            case [bytes(etag), bytes(body)]:
                return Entry(etag.decode(), body)
            case [None]:
                return b""
            case [bytes(lease)]:
                return lease
        return None

    def _milliseconds_to_live(self) -> int:
        """Spread over a tenth, so that keys which were filled together do not expire together."""
        return self._ttl_seconds * 1000 - secrets.randbelow(self._ttl_seconds * 100)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    def _redis_may_be_asked(self) -> bool:
        """Always, unless it failed: then by one reader a second, and the others do not wait for what that one finds."""
        if self._owed:
            return False  # what it has of them is old
        if not self._next_try:
            return True
        now = time.monotonic()
        if now < self._next_try:
            return False
        self._next_try = now + PAUSE_SECONDS
        return True

    def _pause(self, error: RedisError) -> None:
        self._next_try = time.monotonic() + PAUSE_SECONDS
        if self._log_now():
            log.warning("cache unavailable, reading MongoDB", error=repr(error))


def _pauses(deadline: float) -> Iterator[float]:
    """Seconds to sleep between questions, ever longer, until the deadline; one at least."""
    pause = POLL_SECONDS
    while True:
        left = deadline - time.monotonic()
        yield max(0.0, min(pause, left))
        if left <= pause:
            return
        pause = min(2 * pause, POLL_SECONDS_MAX)


def _seconds_left(deadline: float) -> float:
    """Raises `Unavailable` when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise Unavailable("a fill of the cache")
    return left


def make_product_cache(redis: Redis, settings: Settings) -> LeaseCache:
    """Products by SKU: filled by the API, invalidated by whoever changes a product."""
    return LeaseCache(redis, prefix="product", ttl_seconds=settings.cache_ttl_seconds)
