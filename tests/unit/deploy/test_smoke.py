"""The smoke test can fail: a shop that breaks a promise is told so, and silence is not called sound."""

import threading
from collections import Counter
from typing import Any

import jwt
import pytest

from deploy import smoke


class Shop(smoke.Api):
    """It decides at once; `oversells` confirms one order more than there is stock for."""

    def __init__(self, *, oversells: bool = False) -> None:
        super().__init__("http://nowhere.invalid", "")
        self._lock = threading.Lock()
        self._stock: Counter[str] = Counter()
        self.archived: set[str] = set()
        self._statuses: dict[str, str] = {}
        self._least = -1 if oversells else 0

    def send(self, method: str, path: str, body: dict[str, Any] | None = None, **__: str) -> dict[str, Any]:
        *_, last = path.split("/")
        with self._lock:
            if method == "DELETE":
                self.archived.add(last)
                return {}
            if body is None:
                found = {"status": self._statuses[last]} if "orders" in path else {"stock": max(0, self._stock[last])}
                return dict(found)
            if last == "products":
                self._stock[body["sku"]] = body["stock"]
                return {}
            return self._order(**body["items"][0])

    def _order(self, sku: str, quantity: int) -> dict[str, Any]:
        confirmed = self._stock[sku] - quantity >= self._least
        self._stock[sku] -= quantity if confirmed else 0
        order_id = str(len(self._statuses))
        self._statuses[order_id] = "confirmed" if confirmed else "rejected"
        return {"id": order_id}


def play(monkeypatch: pytest.MonkeyPatch, api: smoke.Api, *arguments: str) -> int:
    monkeypatch.setattr(smoke, "make_api", lambda: api)
    return smoke.main(arguments)


def test_a_shop_that_keeps_its_promises_passes(monkeypatch, capsys):
    shop = Shop()
    assert play(monkeypatch, shop, "--rush") == 0
    assert shop.archived == set(shop._stock), "nothing of it stays for sale"
    assert "100 buyers at once for the last unit: 1 confirmed, 99 rejected" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [(), ("--rush",)])
def test_one_that_oversells_does_not(monkeypatch, capsys, arguments):
    assert play(monkeypatch, Shop(oversells=True), *arguments) == 1
    broken = [line for line in capsys.readouterr().out.splitlines() if line.startswith("BROKEN: ")]
    assert broken[0] == "BROKEN: two orders for one unit: ['confirmed', 'confirmed'], not ['confirmed', 'rejected']"
    assert len(broken) == (3 if arguments else 1)


def test_orders_that_are_never_decided_are_a_broken_promise(monkeypatch):
    monkeypatch.setattr(smoke, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(Shop, "_order", lambda self, **_: {"id": self._statuses.setdefault("pending", "pending")})
    assert play(monkeypatch, Shop()) == 1


def test_nobody_who_answers_is_no_sound_system(monkeypatch, capsys):
    monkeypatch.setattr(smoke, "PATIENCE_SECONDS", 0)
    monkeypatch.setenv("API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("JWT_SECRET", "of any length")
    assert smoke.main(()) == 2
    assert "POST /v1/products" in capsys.readouterr().err


def test_without_token_and_secret_it_asks_for_one(monkeypatch, capsys):
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.delenv("JWT_SECRET", raising=False)
    assert smoke.main(()) == 2
    assert "TOKEN" in capsys.readouterr().err


def test_its_token_is_one_that_the_api_takes():
    secret = "s" * 40
    claims = jwt.decode(smoke.sign_token(secret), secret, ["HS256"])
    assert (claims["sub"], claims["scope"]) == ("smoke", "orders:read orders:write products:write")
