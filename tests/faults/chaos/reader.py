"""The reader: looks at orders and products through the API while everything breaks, and believes nothing."""

import asyncio
import random
import threading

import httpx

from tests.faults.chaos.book import Book

READ_SECONDS = 0.05

LATER = {
    "pending": {"pending", "confirmed", "rejected", "failed", "cancelled"},
    "confirmed": {"confirmed", "cancelled"},
}
"""What may be seen after a status; after any other, only itself."""


async def read_on(url: str, book: Book, tokens: dict[str, str], skus: list[str], stopping: threading.Event) -> None:
    """One order and one product at a time. What can't be read now is read another time."""
    seen: dict[str, str] = {}
    rng = random.Random(0)
    async with httpx.AsyncClient(base_url=url, timeout=5, verify=False) as client:
        while not stopping.is_set():
            await asyncio.sleep(READ_SECONDS)
            if book.recent:
                customer, order_id = rng.choice(book.recent)
                await _read_order(client, book, tokens[customer], order_id, seen)
            await _read_product(client, book, rng.choice(skus))


async def _read_order(client: httpx.AsyncClient, book: Book, token: str, order_id: str, seen: dict[str, str]) -> None:
    answer = await _get(client, f"/v1/orders/{order_id}", {"Authorization": f"Bearer {token}"})
    if answer is None or answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return
    if answer.status_code != httpx.codes.OK:
        book.wrong.append(f"accepted order {order_id} was answered {answer.status_code}")
        return
    status = answer.json()["status"]
    before = seen.get(order_id, "pending")
    if status not in LATER.get(before, {before}):
        book.wrong.append(f"order {order_id} went back from {before} to {status}")
    seen[order_id] = status
    book.status_reads += 1


async def _read_product(client: httpx.AsyncClient, book: Book, sku: str) -> None:
    answer = await _get(client, f"/v1/products/{sku}", {})
    if answer is None or answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return
    if answer.status_code != httpx.codes.OK or answer.json()["stock"] < 0:
        book.wrong.append(f"product {sku} was answered {answer.status_code} {answer.text[:200]}")
    book.stock_reads += 1


async def _get(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response | None:
    try:
        return await client.get(path, headers=headers)
    except httpx.TransportError:
        return None
