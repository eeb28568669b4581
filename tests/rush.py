"""Many buyers at once over HTTP: each with a connection of its own, all let go at the same moment."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

POOL = 20


@dataclass(frozen=True, slots=True)
class Purchase:
    """What one buyer sends to POST /v1/orders."""

    token: str
    items: Sequence[tuple[str, int]]
    headers: dict[str, str] = field(default_factory=dict)


def rush(url: str, purchases: Sequence[Purchase]) -> list[httpx.Response]:
    """The answers, at the places of the purchases."""
    return asyncio.run(_rush(url, purchases))


def poll(url: str, token: str, order_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The orders as clients see them, each polled until it is final."""
    return asyncio.run(_poll_all(url, token, order_ids))


def read_at_once(url: str, path: str, *, readers: int) -> list[httpx.Response]:
    """The answers to as many clients that ask at the same moment, over connections that stand already."""
    return asyncio.run(_read_at_once(url, path, readers))


async def _rush(url: str, purchases: Sequence[Purchase]) -> list[httpx.Response]:
    start = asyncio.Event()
    async with AsyncExitStack() as stack:
        answers: list[asyncio.Task[httpx.Response]] = []
        # A pool takes time in proportion to the square of its connections: many small ones.
        for first in range(0, len(purchases), POOL):
            client = await stack.enter_async_context(_client(url, POOL))
            pool = purchases[first : first + POOL]
            answers += [asyncio.create_task(_buy(client, start, purchase)) for purchase in pool]
        start.set()
        return await asyncio.gather(*answers)


async def _buy(client: httpx.AsyncClient, start: asyncio.Event, purchase: Purchase) -> httpx.Response:
    await start.wait()
    items = [{"sku": sku, "quantity": quantity} for sku, quantity in purchase.items]
    headers = {"Authorization": f"Bearer {purchase.token}", **purchase.headers}
    return await client.post("/v1/orders", json={"items": items}, headers=headers)


async def _poll_all(url: str, token: str, order_ids: Sequence[str]) -> list[dict[str, Any]]:
    async with _client(url, 16) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        return await asyncio.gather(*(_poll(client, order_id) for order_id in order_ids))


async def _poll(client: httpx.AsyncClient, order_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(f"/v1/orders/{order_id}")
            order: dict[str, Any] = answer.raise_for_status().json()
            if order["status"] != "pending":
                return order
            await asyncio.sleep(0.1)


async def _read_at_once(url: str, path: str, readers: int) -> list[httpx.Response]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(url, 1)) for _ in range(readers)]
        await asyncio.gather(*(client.get("/livez") for client in clients))
        return await asyncio.gather(*(client.get(path) for client in clients))


def _client(url: str, connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=30, verify=False)
