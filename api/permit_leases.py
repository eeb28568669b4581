"""Leasing permits from the counters in Redis, many threads in one round trip; and what is done while Redis is away."""

from contextlib import suppress
from threading import Thread
from typing import cast

import structlog
from redis import Redis, RedisError

from api.metrics import RATE_LIMIT_FALLBACKS
from api.permit_window import Window, milliseconds_left
from shared.domain.errors import Unavailable
from shared.group_commit import GroupCommit
from shared.throttle import Throttle

PART = 32
"""A lease is this part of what is left: an idle process holds back 3 % of a limit, and the last 63 go one by one."""

CLOCK_SKEW_MILLISECONDS = 60_000
"""How long a counter outlives its window: another machine's clock may be behind, and must not find a fresh one."""

ASKS_MAX = 500
PROBE_SECONDS = 1.0

# Answers {permits granted, permits left in the counter}: what is needed or more, or none when less than that is left.
# KEYS[1] the counter, ARGV: limit, needed, handed out without asking, part, milliseconds to live.
LEASE = """
local left = ARGV[1] - redis.call('INCRBY', KEYS[1], ARGV[3])
local granted = 0
if left >= tonumber(ARGV[2]) then
  granted = math.max(tonumber(ARGV[2]), math.floor(left / ARGV[4]))
  redis.call('INCRBY', KEYS[1], granted)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {granted, left - granted}
"""

Ask = tuple[Window, int]
"""What it is for, and how many permits are needed now."""

Granted = tuple[int, int]
"""How many permits, and how many are left in the counter."""

log = structlog.get_logger(__name__)


class Leases:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._redis_away = False
        self._asks: GroupCommit[Ask, Granted] = GroupCommit("rate-limit-leases", self._ask_redis, batch_max=ASKS_MAX)
        self._probe_now = Throttle(PROBE_SECONDS)
        self._log_now = Throttle(1.0)

    def lease(self, window: Window, needed: int) -> None:
        """The window then holds the permits, or knows that there are not so many left."""
        if self._redis_away:
            self._probe_in_the_background()
        else:
            with suppress(Unavailable):
                window.receive(*self._ask(window, needed))
                return
        RATE_LIMIT_FALLBACKS.inc()
        window.lend_itself(needed)

    def _ask(self, window: Window, needed: int) -> Granted:
        [outcome] = self._asks.submit([(window, needed)]).outcomes()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self, timeout_seconds: float) -> None:
        self._asks.close(timeout_seconds)

    def _ask_redis(self, asks: list[Ask]) -> list[Granted]:
        """One round trip for all threads that ask side by side; when Redis hangs they wait for it once, together."""
        untold = [window.take_untold() for window, _ in asks]
        pipeline = self._redis.pipeline(transaction=False)
        for (window, needed), handed_out in zip(asks, untold, strict=True):
            milliseconds = milliseconds_left(window) + CLOCK_SKEW_MILLISECONDS
            # The text, not its hash, which a restarted Redis would not know.
            pipeline.eval(LEASE, 1, window.counter, window.limit, needed, handed_out, PART, milliseconds)
        try:
            return cast("list[Granted]", pipeline.execute())
        except RedisError as error:
            self._redis_away = True
            self._complain(error)
            for (window, _), handed_out in zip(asks, untold, strict=True):
                window.give_back_untold(handed_out)
            raise Unavailable("the counters of the rate limits") from error

    def _probe_in_the_background(self) -> None:
        if self._probe_now():
            Thread(target=self._probe, name="rate-limit-probe", daemon=True).start()

    def _probe(self) -> None:
        try:
            self._redis.ping()
        except RedisError as error:
            self._complain(error)
        else:
            self._redis_away = False

    def _complain(self, error: RedisError) -> None:
        if self._log_now():
            log.warning("Redis unavailable, rate limits count in this process alone", error=repr(error))
