"""Whether the system can keep its promises right now, part by part, for probes and for people."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo.database import Database

from shared.domain.errors import Unavailable
from shared.store.connection import Document, store_now
from shared.store.heartbeats import last_heartbeat
from shared.store.oldest_pending import OldestPending, oldest_pending

HEARTBEAT_SECONDS_MAX = 15.0
"""A worker that has not swept for this long is as good as none."""

LATE_SECONDS = 60.0
"""Nobody who buys wants to wait longer: an operator should look."""


@dataclass(frozen=True, slots=True)
class Check:
    """`state` is `ok` or `down`, `stale` for a worker that was there, `late` for an order that waits too long.

    `unknown` for what MongoDB would know.
    """

    state: str
    figures: dict[str, Any] = field(default_factory=dict)


MONGODB_DOWN = {"mongodb": Check("down"), "worker": Check("unknown"), "oldest_pending_order": Check("unknown")}


@dataclass(frozen=True, slots=True)
class Health:
    """`ready`; `degraded`: orders are accepted, but something is missing; `unavailable`: they are not."""

    status: str
    checks: dict[str, Check]


def check_health(database: Database[Document], probes: dict[str, Callable[[], object]]) -> Health:
    """`probes` reach what orders can be accepted without, by name; one that raises is down."""
    checks = {
        **_store_checks(database),
        **{name: _probe(probe) for name, probe in probes.items()},
    }
    if checks["mongodb"].state != "ok":
        return Health("unavailable", checks)
    ready = all(check.state == "ok" for check in checks.values())
    return Health("ready" if ready else "degraded", checks)


def _store_checks(database: Database[Document]) -> dict[str, Check]:
    try:
        at = store_now(database)
        if at is None:
            return MONGODB_DOWN
        return {
            "mongodb": Check("ok"),
            "worker": _worker_check(last_heartbeat(database), at),
            "oldest_pending_order": _pending_check(oldest_pending(database), at),
        }
    except Unavailable:
        return MONGODB_DOWN


def _worker_check(heartbeat: datetime | None, at: datetime) -> Check:
    age = _age(heartbeat, at)
    if age is None:
        return Check("down")
    return Check("ok" if age <= HEARTBEAT_SECONDS_MAX else "stale", {"heartbeat_age_seconds": age})


def _pending_check(oldest: OldestPending | None, at: datetime) -> Check:
    age = _age(oldest.since if oldest else None, at)
    return Check("late" if age is not None and age > LATE_SECONDS else "ok", {"age_seconds": age})


def _probe(probe: Callable[[], object]) -> Check:
    try:
        probe()
    except Exception:  # noqa: BLE001 - whatever the client raises, what it reaches is not there
        return Check("down")
    return Check("ok")


def _age(moment: datetime | None, at: datetime) -> float | None:
    return round(max(0.0, (at - moment).total_seconds()), 3) if moment else None
