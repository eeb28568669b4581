"""The demo's client of the API: it repeats when told to, asks again when told to, and gives up after a minute."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from local.errors import LocalError
from local.loopback import loopback_client
from local.system import System
from local.token import make_token

Item = dict[str, str | int]
Order = dict[str, Any]

PATIENCE_SECONDS = 60.0
TRY_AGAIN = (429, 503)


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was accepted, and when its customer may ask for it, by the clock of `time.monotonic`."""

    location: str
    ask_at: float


class Customer:
    """One person with one open connection."""

    def __init__(self, system: System, name: str, scope: str = "orders:read orders:write") -> None:
        token = make_token(system.jwt_secret, name, scope, seconds=600)
        headers = {"Authorization": f"Bearer {token}"}
        self._client = loopback_client(base_url=system.api_url, headers=headers, timeout=PATIENCE_SECONDS)

    def __enter__(self) -> "Customer":
        self._send("GET", "/livez")
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def create_product(self, sku: str, stock: int) -> None:
        product = {"sku": sku, "name": sku, "price": {"amount": 1000, "currency": "IDR"}, "stock": stock}
        self._send("POST", "/v1/products", product)

    def stock_left(self, sku: str) -> int:
        return int(self._send("GET", f"/v1/products/{sku}").json()["stock"])

    def place_order(self, items: list[Item]) -> Placed:
        # The key makes it safe to repeat a request whose answer was lost.
        answer = self._send("POST", "/v1/orders", {"items": items}, key=uuid.uuid4().hex)
        return Placed(answer.headers["Location"], time.monotonic() + _pause(answer))

    def wait_until_final(self, placed: Placed) -> Order:
        """The order when it is final; still pending when it was not decided in time, which begins when it is placed."""
        ask_at = placed.ask_at
        give_up_at = ask_at + PATIENCE_SECONDS
        while True:
            time.sleep(max(0.0, ask_at - time.monotonic()))
            answer = self._send("GET", placed.location)
            order: Order = answer.json()
            if order["status"] != "pending" or time.monotonic() > give_up_at:
                return order
            ask_at = time.monotonic() + _pause(answer)

    def _send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            answer = self._try(method, path, headers, body)
            if isinstance(answer, httpx.Response) and answer.is_success:
                return answer
            refused = isinstance(answer, httpx.Response) and answer.status_code not in TRY_AGAIN
            if refused or time.monotonic() > give_up_at:
                raise LocalError(f"{method} {path}: {_told(answer)}")
            time.sleep(_pause(answer))

    def _try(
        self, method: str, path: str, headers: dict[str, str], body: object
    ) -> httpx.Response | httpx.TransportError:
        try:
            return self._client.request(method, path, headers=headers, json=body)
        except httpx.TransportError as error:
            return error


def _pause(answer: httpx.Response | httpx.TransportError) -> float:
    """Seconds until the next attempt: what Retry-After says."""
    said = answer.headers.get("Retry-After", "") if isinstance(answer, httpx.Response) else ""
    return float(said) if said.isdigit() else 1.0


def _told(answer: httpx.Response | httpx.TransportError) -> str:
    return f"{answer.status_code} {answer.text}" if isinstance(answer, httpx.Response) else repr(answer)
