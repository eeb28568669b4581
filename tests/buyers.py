"""Buyers who go on buying while a test breaks something; each repeats a purchase with its key, as good clients do."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import httpx

from tests.stack import Stack, wait_until

REPEAT_SECONDS = 0.1
"""Far below what Retry-After says: impatient, so that the test sees more of what happens meanwhile."""


class Buyers:
    def __init__(self, stack: Stack, sku: str, count: int, urls: Sequence[str]) -> None:
        self._stack = stack
        self._sku = sku
        self._urls = urls
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._buy_on, args=[number]) for number in range(count)]
        self.answers: list[httpx.Response] = []
        self.accepted: dict[str, set[str]] = {}
        """By idempotency key, the ids that were answered with 202."""

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int) -> None:
        """More orders, accepted from now on."""
        before = len(self.accepted)
        wait_until(lambda: len(self.accepted) >= before + count, f"{count} more orders")

    def statuses(self) -> Counter[int]:
        return Counter(answer.status_code for answer in list(self.answers))

    def check_answers(self) -> None:
        """Nobody was answered with anything but an order, or a 503 that says when to come again."""
        assert self.accepted, "nobody bought anything"
        assert set(self.statuses()) <= {202, 503}
        refused = [answer for answer in self.answers if answer.status_code == 503]
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)

    def check_orders(self) -> None:
        """One order for each key, and all that was accepted is there, confirmed; nothing else is."""
        assert all(len(ids) == 1 for ids in self.accepted.values())
        accepted = {order_id for ids in self.accepted.values() for order_id in ids}
        stored = {order["_id"]: order["status"] for order in self._stack.database.orders.find({}, {"status": 1})}
        assert stored == dict.fromkeys(accepted, "confirmed")

    def _buy_on(self, number: int) -> None:
        with self._stack.client() as client:
            while not self._enough.is_set():
                self._buy(client, number)

    def _buy(self, client: httpx.Client, number: int) -> None:
        """Until it is accepted, at one address after the other."""
        headers = {"Idempotency-Key": uuid4().hex}
        body = {"items": [{"sku": self._sku, "quantity": 1}]}
        for attempt in range(1_000):
            url = self._urls[(number + attempt) % len(self._urls)]
            try:
                answer = client.post(f"{url}/v1/orders", json=body, headers=headers)
            except httpx.TransportError:
                time.sleep(REPEAT_SECONDS)
                continue
            with self._lock:
                self.answers.append(answer)
            if answer.status_code == httpx.codes.ACCEPTED:
                with self._lock:
                    self.accepted.setdefault(headers["Idempotency-Key"], set()).add(answer.json()["id"])
                return
            time.sleep(REPEAT_SECONDS)
        raise AssertionError("never accepted")


@contextmanager
def buying(stack: Stack, sku: str, *, count: int = 8, urls: Sequence[str] = ()) -> Iterator[Buyers]:
    """`count` buyers of one unit at a time, from the first order until the end of the block."""
    buyers = Buyers(stack, sku, count, urls or [stack.url])
    buyers.start()
    try:
        buyers.wait_for_more(1)
        yield buyers
    finally:
        buyers.stop()
