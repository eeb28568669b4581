"""Cache-aside with leases on Redis: finished answers by key, and never an old one after a new one.

A reader that misses takes the lease of the key, a random token kept in the key itself, and only the holder of the lease
may fill. Invalidating deletes the key, and so the lease with it: a reader that read MongoDB before the change finds its
lease gone and can't put the old value back. Readers that find a lease taken wait for that fill. A lease of a second,
whose holder may be dead, is taken over by one of them, which makes the late filler a stranger too.

A writer closes the entries right before it commits, by a lease of its own, and invalidates them after: whoever has
seen the change, or anything that was changed with it, is not shown what was before it. That holds of the copies too
that processes keep of what they read (`shared/local_copies.py`): the writer warns of the change, and waits for their
end.

Redis down: everything is loaded from MongoDB, and one reader a second tries whether Redis is back.
"""

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisAway
from redis.retry import Retry

from shared.cache_scripts import CLOSE, FILL, GIVE_UP, INVALIDATE, READ_OR_LEASE, RENEW, WARN
from shared.domain.errors import Unavailable
from shared.domain.warning import Warn
from shared.local_copies import WAIT_SECONDS, Copy, Entry, LocalCopies, News, seconds_now
from shared.metrics import CACHE_FILLS_REFUSED
from shared.owed_invalidations import OwedInvalidations
from shared.settings import Settings
from shared.throttle import Throttle

LEASE_MILLISECONDS = 5_000

TAKE_OVER_MILLISECONDS = 1_000
"""The age of a lease, by Redis's clock, at which it may be taken over: once a second over all processes, since taking
it over makes it young again. Longer than a slow read takes, and it leaves the one who waited the time for a read."""

BUDGET_SECONDS = 1.4
"""For the whole of a read, its waiting and its load, unless told otherwise. Shorter than a lease lives."""

POLL_SECONDS = 0.005
POLL_SECONDS_MAX = 0.08
PAUSE_SECONDS = 1.0

LEASE_GONE = b""
"""Not kept, and nobody to wait for."""

TURNS = 64
"""Readers of one process who want the same entry ask one after the other, so that one answer serves all of them."""

log = structlog.get_logger(__name__)


def connect_redis(url: str) -> Redis:
    """A client that fails within a second instead of hanging; it makes its connections when they are needed."""
    return Redis.from_url(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
    )


Argument = str | bytes | int


@dataclass(frozen=True, slots=True)
class Read:
    """`failures`: of Redis, before it began; `deadline` on the monotonic clock, `began` on that of the copies."""

    name: str
    token: str
    began: float
    deadline: float
    failures: int


class LeaseCache:
    def __init__(self, redis: Redis, *, prefix: str, ttl_seconds: int, budget_seconds: float = BUDGET_SECONDS) -> None:
        self._redis = redis
        self._budget_seconds = budget_seconds
        self._prefix = prefix
        self._log = f"{prefix}-changes"
        self._ttl_seconds = ttl_seconds
        self._renew = redis.register_script(RENEW)
        self._read_or_lease = redis.register_script(READ_OR_LEASE)
        self._fill = redis.register_script(FILL)
        self._give_up = redis.register_script(GIVE_UP)
        self._warn = redis.register_script(WARN)
        self._close = redis.register_script(CLOSE)
        self._invalidate = redis.register_script(INVALIDATE)
        self._owed = OwedInvalidations(self._settle, ttl_seconds=ttl_seconds)
        self._doubted = OwedInvalidations(self._settle, ttl_seconds=ttl_seconds, settles=False)
        self._copies = LocalCopies()
        self._renewing = threading.Lock()
        self._turns = [threading.Lock() for _ in range(TURNS)]
        self._failures = 0
        self._next_try = 0.0
        self._log_now = Throttle(seconds=1.0)

    def get_or_load(self, key: str, load: Callable[[float], Entry]) -> tuple[Entry, bool]:
        """The entry, and whether it came from the cache. `load` is called with the seconds that it has.

        What `load` raises is raised, and nothing is cached. Raises `Unavailable` when no answer comes in time.
        """
        name, began = self._name(key), seconds_now()
        if not self._owed and (copy := self._copies.get(name, since=began)):
            return copy, True
        if not self._redis_may_be_asked():
            return load(self._budget_seconds), False
        deadline = time.monotonic() + self._budget_seconds
        read = Read(name, secrets.token_hex(8), began, deadline, self._failures)
        try:
            hit = self._renewed_copy(read) or self._hit_or_lease(read)
        except RedisError as error:
            self._pause(error)
            return load(_seconds_left(read.deadline)), False
        if hit:
            return hit, True
        return self._load_and_fill(read, load), False

    @contextmanager
    def changing(self) -> Iterator[Warn]:
        """For a change in MongoDB. What is yielded warns of it; what that returns, closes the entries for the commit.

        Warned of, an entry is still read, but no lasting copy is made of it. Closed, it makes its readers wait for the
        outcome. Whatever that is, all is invalidated afterwards. What Redis does not take of this is tried again until
        it does (`shared/owed_invalidations.py`).
        """
        token = f"w{secrets.token_hex(8)}"
        names: set[str] = set()

        def warn(keys: Iterable[str]) -> Callable[[], None]:
            changing = [self._name(key) for key in keys]
            if not changing:
                return lambda: None
            names.update(changing)
            self._tell(self._warn, changing, token)
            until = time.monotonic() + WAIT_SECONDS
            return lambda: self._close_for_commit(changing, token, until)

        try:
            yield warn
        except Unavailable:
            # MongoDB may have been told to commit, and do so when it goes on: after an entry was filled again.
            self._doubted.add(names)
            raise
        finally:
            self._invalidate_or_owe(names, token)

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """For a process that is about to end: whether Redis knows of all invalidations by then."""
        return self._owed.wait_until_settled(timeout_seconds)

    def _close_for_commit(self, names: Sequence[str], token: str, copies_end_at: float) -> None:
        """As late as can be, since readers wait as long as it is closed."""
        time.sleep(max(0.0, copies_end_at - time.monotonic()))
        if self._tell(self._close, names, token):
            time.sleep(WAIT_SECONDS)

    def _tell(self, script: Script, names: Sequence[str], token: str) -> int:
        """Where Redis is away for all, no reader has it answer, and copies come to their end all the same."""
        if self._redis_may_be_asked():
            try:
                return int(self._run(script, [self._log, *names], [token, LEASE_MILLISECONDS]) or 0)
            except RedisError as error:
                self._pause(error)
        return 0

    def _invalidate_or_owe(self, names: Collection[str], token: str) -> None:
        if not names:
            return
        if self._owed:
            self._owed.add(names)  # Redis is away: no need for this caller to find that out too
            return
        try:
            self._invalidate_all(names, token)
        except RedisError as error:
            self._pause(error)
            self._owed.add(names)

    def _settle(self, names: Collection[str]) -> None:
        self._invalidate_all(names, "")

    def _invalidate_all(self, names: Collection[str], token: str) -> None:
        """Those that were open meanwhile may have been copied: afterwards it waits until no copy is shown any more."""
        if self._run(self._invalidate, [self._log, *names], [token]):
            time.sleep(WAIT_SECONDS)

    def _renewed_copy(self, read: Read) -> Entry | None:
        """The copy that is here, if no change of it was warned of. One question is for all copies and readers."""
        if not self._copies.keeps(read.name):
            return None
        with _in_turn(self._renewing, read.deadline):
            if copy := self._copies.get(read.name, since=read.began):
                return copy
            self._check_not_away(read)
            question = self._copies.question()
            answer = self._run(self._renew, [self._log], [question.position, read.token])
            self._copies.learn(question, _news(answer))
        return self._copies.get(read.name, since=read.began)

    def _hit_or_lease(self, read: Read) -> Entry | None:
        """The entry; or None, and then the lease is ours."""
        for pause in _pauses(read.deadline):
            with _in_turn(self._turns[hash(read.name) % TURNS], read.deadline):
                if copy := self._copies.get(read.name, since=read.began):
                    return copy
                self._check_not_away(read)
                answer = self._ask_for_entry(read)
            if not isinstance(answer, bytes):
                return answer
            time.sleep(pause)
        raise Unavailable("a fill of the cache")

    def _ask_for_entry(self, read: Read) -> Entry | bytes | None:
        """The entry, another's lease to wait for, or None."""
        question = self._copies.question()
        arguments: list[Argument] = [read.token, LEASE_MILLISECONDS, TAKE_OVER_MILLISECONDS, question.position]
        answer, news = self._run(self._read_or_lease, [read.name, self._log], arguments)
        match answer:
            case [etag, body, left, writer]:
                entry = Entry(etag.decode(), body)
                copy = Copy(entry, question.asked_at, question.asked_at + left / 1000, lasting=writer is None)
                self._copies.learn(question, _news(news), (read.name, copy))
                return entry
        self._copies.learn(question, _news(news))
        return answer[0] if answer else None

    def _load_and_fill(self, read: Read, load: Callable[[float], Entry]) -> Entry:
        try:
            entry = load(_seconds_left(read.deadline))
        except Exception:
            self._give_lease_up(read)
            raise
        try:
            return self._fill_or_wait(read, entry)
        except RedisError as error:
            self._pause(error)
            return entry

    def _fill_or_wait(self, read: Read, entry: Entry) -> Entry:
        """What stands at the end: our entry, or that of the reader who has the lease now.

        That one may have read before us. If we did not wait for its fill, our caller could see it after ours, and go
        back in time. Leases taken later than that are no matter: their holders read after us.
        """
        lease = None
        for pause in _pauses(read.deadline):
            answer = self._ask_to_fill(read, entry)
            CACHE_FILLS_REFUSED.inc(lease is None and answer is not None)
            if isinstance(answer, Entry):
                return answer
            lease = lease or answer
            if not answer or answer != lease:
                break
            time.sleep(pause)
        return entry

    def _ask_to_fill(self, read: Read, entry: Entry) -> Entry | bytes | None:
        """The entry that was there already, another's lease to wait for, `LEASE_GONE`, or None: it was filled."""
        arguments: list[Argument] = [read.token, entry.etag, entry.body, self._milliseconds_to_live()]
        answer = self._run(self._fill, [read.name], arguments)
        match answer:
            case [bytes(etag), bytes(body)]:
                return Entry(etag.decode(), body)
            case [bytes(lease)]:
                return lease
            case [None]:
                return LEASE_GONE
        return None

    def _give_lease_up(self, read: Read) -> None:
        try:
            self._run(self._give_up, [read.name], [read.token])
        except RedisError as error:
            self._pause(error)

    def _milliseconds_to_live(self) -> int:
        """Spread over a tenth, so that keys which were filled together do not expire together."""
        return self._ttl_seconds * 1000 - secrets.randbelow(self._ttl_seconds * 100)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    def _run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Every answer ends a pause, whoever asked: a worker reads nothing, and must warn and close again."""
        answer = script(keys=list(keys), args=list(arguments))
        self._next_try = 0.0
        return answer

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

    def _check_not_away(self, read: Read) -> None:
        """Raises `RedisAway` when another has found it away while this one waited for its turn."""
        if self._failures != read.failures:
            raise RedisAway("found away meanwhile")

    def _pause(self, error: RedisError) -> None:
        self._failures += 1
        self._next_try = time.monotonic() + PAUSE_SECONDS
        if self._log_now():
            log.warning("cache unavailable, reading MongoDB", error=repr(error))


@contextmanager
def _in_turn(turn: threading.Lock, deadline: float) -> Iterator[None]:
    """Raises `Unavailable` when it does not come before the deadline: whoever has it waits for a slow Redis."""
    if not turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise Unavailable("the cache")
    try:
        yield
    finally:
        turn.release()


def _news(answer: list[bytes]) -> News:
    position, *changing = answer
    return News(position, changing[0].decode().split("\n") if changing else None)


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


def make_product_cache(redis: Redis, settings: Settings, *, budget_seconds: float = BUDGET_SECONDS) -> LeaseCache:
    """Products by SKU: filled by the API, invalidated by whoever changes a product."""
    return LeaseCache(redis, prefix="product", ttl_seconds=settings.cache_ttl_seconds, budget_seconds=budget_seconds)
