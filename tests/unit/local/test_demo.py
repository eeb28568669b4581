"""The demo does not wait for a system that decides nothing, and no longer than it says for one that stops."""

from collections.abc import Callable

import httpx
import pytest

from local import demo_customer, readiness
from local.demo_customer import PATIENCE_SECONDS, Customer, Placed
from local.errors import NoSystem, PartFailed
from tests.unit.local.test_parts import SYSTEM


def answers(monkeypatch, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    def client(**options) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer), **options)

    monkeypatch.setattr(readiness, "loopback_client", client)
    monkeypatch.setattr(demo_customer, "loopback_client", client)


def health(status: str, **states: str) -> Callable[[httpx.Request], httpx.Response]:
    checks = {name: {"state": state} for name, state in states.items()}
    return lambda _: httpx.Response(200, json={"status": status, "checks": checks})


def test_a_system_that_is_ready_will_do_and_is_asked_once(monkeypatch):
    asked = []

    def ready(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return health("ready", mongodb="ok", worker="ok")(request)

    answers(monkeypatch, ready)
    readiness.refuse_unless_ready(SYSTEM)
    assert asked == ["/readyz"]


def test_a_system_that_lacks_something_is_refused_with_what_it_lacks(monkeypatch):
    answers(monkeypatch, health("degraded", mongodb="ok", worker="stale"))
    with pytest.raises(PartFailed, match=r"not ready to decide orders \(worker is stale\); see .*/readyz"):
        readiness.refuse_unless_ready(SYSTEM)


def test_no_system_at_all_is_told_as_such(monkeypatch):
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    answers(monkeypatch, nobody)
    with pytest.raises(NoSystem):
        readiness.refuse_unless_ready(SYSTEM)


def test_orders_that_are_never_decided_are_given_up_side_by_side(monkeypatch):
    """The patience for each of a buyer's orders begins when it is placed, and not when the one before is given up."""
    times = [0.0]
    monkeypatch.setattr(demo_customer.time, "monotonic", lambda: times[0])
    monkeypatch.setattr(demo_customer.time, "sleep", lambda seconds: times.append(times.pop() + seconds))
    pending = httpx.Response(200, json={"status": "pending"}, headers={"Retry-After": "5"})
    answers(monkeypatch, lambda _: pending)
    buyer = Customer(SYSTEM, "buyer")

    for _ in range(20):
        assert buyer.wait_until_final(Placed("/v1/orders/1", ask_at=1.0))["status"] == "pending"

    assert times[0] <= 1.0 + PATIENCE_SECONDS + 2 * 5
