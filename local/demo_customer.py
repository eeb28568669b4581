"""The demo's client of the API: it repeats when told to, polls when told to, and gives up after a minute."""

import asyncio
import time
import uuid
from typing import Any

import httpx

from local.errors import LocalError
from local.loopback import async_loopback_client
from local.system import System
from local.token import make_token

Item = dict[str, str | int]
Order = dict[str, Any]

PATIENCE_SECONDS = 60.0
TRY_AGAIN = (429, 503)


class Customer:
    """One person with one connection. (A client that 100 share spends its time on finding a free connection.)"""

    def __init__(self, system: System, name: str, scope: str = "orders:read orders:write") -> None:
        token = make_token(system.jwt_secret, name, scope, seconds=600)
        self._client = async_loopback_client(
            base_url=system.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
        )

    async def __aenter__(self) -> "Customer":
        """Opens the connection."""
        await self._send("GET", "/livez")
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.aclose()

    async def create_product(self, sku: str, stock: int) -> None:
        product = {"sku": sku, "name": sku, "price": {"amount": 1000, "currency": "IDR"}, "stock": stock}
        await self._send("POST", "/v1/products", product)

    async def stock_left(self, sku: str) -> int:
        product = await self._send("GET", f"/v1/products/{sku}")
        return int(product.json()["stock"])

    async def place_order(self, items: list[Item]) -> Order:
        # The key makes it safe to repeat a request whose answer was lost.
        answer = await self._send("POST", "/v1/orders", {"items": items}, key=uuid.uuid4().hex)
        order: Order = answer.json()
        return order

    async def wait_until_final(self, order: Order) -> Order:
        """The order when it is final; still pending when it was not decided in time."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            answer = await self._send("GET", f"/v1/orders/{order['id']}")
            order = answer.json()
            if order["status"] != "pending":
                break
            await asyncio.sleep(_pause(answer))
        return order

    async def _send(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        headers = {"Idempotency-Key": key} if key else {}
        while True:
            answer = await self._try(method, path, headers, body)
            if isinstance(answer, httpx.Response) and answer.is_success:
                return answer
            refused = isinstance(answer, httpx.Response) and answer.status_code not in TRY_AGAIN
            if refused or time.monotonic() > give_up_at:
                raise LocalError(f"{method} {path}: {_told(answer)}")
            await asyncio.sleep(_pause(answer))

    async def _try(
        self, method: str, path: str, headers: dict[str, str], body: object
    ) -> httpx.Response | httpx.HTTPError:
        try:
            return await self._client.request(method, path, headers=headers, json=body)
        except httpx.HTTPError as error:
            return error


def _pause(answer: httpx.Response | httpx.HTTPError) -> float:
    """Seconds until the next attempt: what Retry-After says."""
    said = answer.headers.get("Retry-After", "") if isinstance(answer, httpx.Response) else ""
    return float(said) if said.isdigit() else 1.0


def _told(answer: httpx.Response | httpx.HTTPError) -> str:
    return f"{answer.status_code} {answer.text}" if isinstance(answer, httpx.Response) else repr(answer)
