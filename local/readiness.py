"""Waiting until the system can take and decide orders, as it says itself."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from local.errors import NoSystem, PartFailed
from local.loopback import loopback_client
from local.system import System
from local.terminal import say

READY_SECONDS = 60.0


def wait_until_ready(system: System, waiting_for: Callable[[str], None]) -> None:
    """Calls `waiting_for` with what is missing, again and again. Raises what that raises.

    After a minute: `PartFailed` when orders are not accepted, a warning when something else is missing.
    """
    started = time.monotonic()
    with loopback_client(timeout=5) as client:
        while missing := _missing(client, system, since=time.monotonic() - started):
            if time.monotonic() - started > READY_SECONDS:
                _settle_without(missing, _health(client, system))
                return
            waiting_for(", ".join(missing))
            time.sleep(0.1)


def refuse_unless_it_answers(system: System) -> None:
    """Raises `NoSystem`."""
    _health_of_one_that_answers(system)


def refuse_unless_ready(system: System) -> None:
    """For who would wait for the orders. Raises `NoSystem`, and `PartFailed` with what is missing."""
    health = _health_of_one_that_answers(system)
    if health["status"] != "ready":
        states = {name: check["state"] for name, check in health["checks"].items()}
        missing = ", ".join(f"{name} is {state}" for name, state in states.items() if state != "ok")
        raise PartFailed(f"the system is not ready to decide orders ({missing}); see {system.api_url}/readyz")


def _health_of_one_that_answers(system: System) -> dict[str, Any]:
    with loopback_client(timeout=5) as client:
        health = _health(client, system)
    if not health:
        raise NoSystem(f"the system does not answer at {system.api_url} (is it still starting?)")
    return health


def _missing(client: httpx.Client, system: System, since: float) -> list[str]:
    """The parts that are not there yet, `since` seconds after they were started."""
    checks = _health(client, system).get("checks", {"api": {"state": "down"}})
    missing = [name for name, check in checks.items() if check["state"] != "ok"]
    # Soon after a restart the heartbeat of the worker before still looks fresh.
    if "worker" not in missing and checks.get("worker", {}).get("heartbeat_age_seconds", 0) > since:
        missing.append("worker")
    if _get(client, f"http://127.0.0.1:{system.flower_port}/healthcheck") is None:
        missing.append("flower")
    return missing


def _settle_without(missing: list[str], health: dict[str, Any]) -> None:
    if health.get("status") not in ("ready", "degraded"):
        raise PartFailed(f"not ready after {READY_SECONDS:g} s, for want of {', '.join(missing)}")
    say(f"  WARNING: orders are accepted, but something is missing: {', '.join(missing)}")


def _health(client: httpx.Client, system: System) -> dict[str, Any]:
    """What /readyz says; nothing when nobody answers."""
    answer = _get(client, f"{system.api_url}/readyz")
    health: dict[str, Any] = answer.json() if answer is not None else {}
    return health


def _get(client: httpx.Client, url: str) -> httpx.Response | None:
    try:
        return client.get(url)
    except httpx.HTTPError:
        return None
