"""Rate limits, by Flask-Limiter: which there are, who spends from them, and what answers say of them.

A route declares its limit beside its scope, `@blueprint.limited("orders")`: who calls is known then, and the body is
not read yet. A request that counts for more spends the rest when it knows, before it writes: `spend("orders", cost=9)`.
The fields of the answers are those of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from hashlib import blake2b
from typing import Literal, ParamSpec, TypeVar

from flask import Flask, Response
from flask_limiter import Limiter
from limits import RateLimitItem, parse

from api import leased_storage  # noqa: F401 - makes leased:// known
from api.address import network_of_request
from api.auth import Caller, authenticate
from api.current import header, notes
from api.metrics import counted_decision
from api.problems import Problem
from api.resources import resources
from api.settings import RATE_LIMIT_OFF

P = ParamSpec("P")
R = TypeVar("R")

Policy = Literal["orders", "reads", "catalogue", "unauthorized"]

KEY_BYTES = 16
KEYS_REMEMBERED_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Spent:
    """What this request spends from."""

    policy: Policy
    limit: RateLimitItem
    key: str

    def window(self) -> tuple[int, int]:
        """The seconds until all is there again, and what is left, at most."""
        amount, seconds = self.limit.amount, self.limit.get_expiry()
        key = self.limit.key_for(self.key, self.policy)
        left, ends = resources().permits.left(key, limit=amount, seconds=seconds)
        return max(1, math.ceil(ends - time.time())), left


def register_limits(app: Flask) -> None:
    """Flask-Limiter adds no hooks to an app that it knows already. Its hooks walk over all limits around each request,
    for longer than the spending takes, and before it is known who calls; here the views spend themselves.
    """
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    app.after_request(_describe)


def limited(policy: Policy, view: Callable[P, R]) -> Callable[P, R]:
    """The view is reached only when its caller has a permit left."""

    @wraps(view)
    def spending(*args: P.args, **kwargs: P.kwargs) -> R:
        spend(policy)
        return view(*args, **kwargs)

    return spending


def limited_when_unauthorized(view: Callable[P, R]) -> Callable[P, R]:
    """A 401 costs a permit of its address; whoever has a good token is not held up by others there that have none."""

    @wraps(view)
    def counting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return view(*args, **kwargs)
        except Problem as problem:
            if problem.slug == "unauthorized":
                spend("unauthorized")
            raise

    return counting


def spend(policy: Policy, *, cost: int = 1) -> None:
    """All of `cost` or nothing. Raises `Problem` with 429."""
    limit = _limit_of(policy)
    if limit:
        notes().spent = spent = Spent(policy, limit, _address_key() if policy == "unauthorized" else _caller_key())
        if not counted_decision(policy, limiter.limiter.hit(limit, spent.key, policy, cost=cost)):
            raise _refusal(spent, cost)


def _refusal(spent: Spent, cost: int) -> Problem:
    """Says what it counts as: what is more than the whole limit never passes."""
    seconds, left = spent.window()
    detail = (
        f"This counts as {cost}, and of {spent.limit.amount} in {spent.limit.get_expiry()} s "
        f"{left} are left, and all again in {seconds} s."
    )
    return Problem("rate-limited", detail, {"policy": spent.policy}, {"Retry-After": str(seconds)})


def _describe(response: Response) -> Response:
    spent: Spent | None = notes().get("spent")
    if spent:
        seconds, left = spent.window()
        policy = f'"{spent.policy}";q={spent.limit.amount};w={spent.limit.get_expiry()}'
        response.headers.add("RateLimit-Policy", policy)
        response.headers.add("RateLimit", f'"{spent.policy}";r={left};t={seconds}')
    return response


def _caller_key() -> str:
    """The subject of the token; without a good one, on routes that ask for none, the address."""
    caller = notes().get("caller") or _caller_by_choice()
    return _key(f"subject {caller.subject}") if caller else _address_key()


def _caller_by_choice() -> Caller | None:
    given = header("Authorization")
    if not given:
        return None
    try:
        return authenticate(given)
    except Problem:
        return None


def _address_key() -> str:
    return _key(f"address {network_of_request()}")


@lru_cache(KEYS_REMEMBERED_MAX)
def _key(who: str) -> str:
    """Of the same length whoever it is, and no name or address stands in Redis."""
    return blake2b(who.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).hexdigest()


def _limit_of(policy: Policy) -> RateLimitItem | None:
    return _parsed(resources().settings.rate_limits[policy])


@cache
def _parsed(limit: str) -> RateLimitItem | None:
    return None if limit in RATE_LIMIT_OFF else parse(limit)


# Made at import, as the blueprints are, and as empty: the settings and the permits are those of the current app.
limiter = Limiter(_caller_key, storage_uri="leased://", strategy="fixed-window")
