"""The buyers: each places orders with keys of their own, singly and in bulk, repeats some, cancels some."""

import asyncio
import random
import threading
import time
from collections.abc import Callable

import httpx

from tests.faults.chaos.book import Book, Purchase
from tests.faults.chaos.reader import read_on
from tests.faults.chaos.sender import Sender

BUYERS = 16
CUSTOMERS = [f"customer-{number}" for number in range(6)]

PAUSE_SECONDS = 0.15
"""Between two purchases of a buyer, on average."""

IMPATIENT = 0.1
"""The part of the requests whose client hangs up at once, and asks again."""

GIVE_UP_SECONDS = 60.0
"""After the end of the faults, for what is still being repeated."""


class Load:
    """Buyers in one thread, until `finish`."""

    def __init__(self, url: str, book: Book, *, seed: int, skus: list[str], token: Callable[[str], str]) -> None:
        self._url = url
        self._book = book
        self._seed = seed
        self._skus = skus
        self._tokens = {customer: token(customer) for customer in CUSTOMERS}
        self._senders: list[Sender] = []
        self._stopping = threading.Event()
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        self._book.start_clock()
        self._thread.start()

    def finish(self) -> None:
        """No new purchases; returns when each that was begun has its answer, or its buyer gave up."""
        for sender in self._senders:
            sender.give_up_at = time.monotonic() + GIVE_UP_SECONDS
        self._stopping.set()
        self._thread.join(GIVE_UP_SECONDS + 30)
        self._book.stop_clock()
        assert not self._thread.is_alive(), "the buyers did not come to an end"
        if self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        try:
            asyncio.run(self._buy_and_read())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._errors.append(error)

    async def _buy_and_read(self) -> None:
        self._senders = [Sender(self._url, self._book, self._tokens) for _ in range(BUYERS)]
        async with asyncio.TaskGroup() as group:
            for number, sender in enumerate(self._senders):
                group.create_task(self._buy_on(sender, random.Random(f"buyer-{self._seed}-{number}")))
            group.create_task(read_on(self._url, self._book, self._tokens, self._skus, self._stopping))

    async def _buy_on(self, sender: Sender, rng: random.Random) -> None:
        buyer = Buyer(sender, self._book, rng, self._skus)
        async with sender:
            while not self._stopping.is_set():
                await buyer.do_something()
                await asyncio.sleep(rng.uniform(0, 2 * PAUSE_SECONDS))


class Buyer:
    def __init__(self, sender: Sender, book: Book, rng: random.Random, skus: list[str]) -> None:
        self._sender = sender
        self._book = book
        self._rng = rng
        self._skus = skus

    async def do_something(self) -> None:
        action = self._rng.choices(
            [self._buy, self._buy_and_repeat, self._buy_twice_at_once, self._buy_and_cancel, self._buy_in_bulk],
            [60, 10, 8, 12, 10],
        )
        await action[0]()

    async def _buy(self) -> None:
        await self._place(self._new_purchase())

    async def _buy_and_repeat(self) -> None:
        purchase = self._new_purchase()
        await self._place(purchase)
        await asyncio.sleep(self._rng.uniform(0, 1))
        await self._place(purchase)

    async def _buy_twice_at_once(self) -> None:
        purchase = self._new_purchase()
        await asyncio.gather(self._place(purchase), self._place(purchase))

    async def _buy_and_cancel(self) -> None:
        """At once, when it is pending most often, or later, when it is decided."""
        purchase = self._new_purchase()
        await self._place(purchase)
        await asyncio.sleep(self._rng.choice([0, 0, 0.5, 2]))
        for order_id in purchase.told:
            purchase.cancel_sent = True
            answer = await self._sender.send("POST", f"/v1/orders/{order_id}/cancel", customer=purchase.customer)
            purchase.cancel_answer = answer.status_code if answer is not None else None

    async def _buy_in_bulk(self) -> None:
        """The customer is one; each order has its key, so that the whole request is safe to repeat."""
        customer = self._rng.choice(CUSTOMERS)
        purchases = [self._new_purchase(customer) for _ in range(self._rng.randint(2, 15))]
        for _ in range(self._rng.choice([1, 1, 2])):
            await self._place_in_bulk(customer, purchases)

    def _new_purchase(self, customer: str | None = None) -> Purchase:
        skus = self._rng.sample(self._skus, self._rng.choice([1, 1, 1, 2, 3]))
        items = {sku: self._rng.randint(1, 3) for sku in skus}
        key = f"{self._rng.getrandbits(96):024x}"
        return self._book.add(Purchase(customer or self._rng.choice(CUSTOMERS), key, items))

    def _is_impatient(self) -> bool:
        return self._rng.random() < IMPATIENT

    async def _place(self, purchase: Purchase) -> None:
        known = bool(purchase.told)
        headers = {"Idempotency-Key": purchase.key}
        body = {"items": purchase.lines()}
        answer = await self._sender.send(
            "POST", "/v1/orders", customer=purchase.customer, impatient=self._is_impatient(), headers=headers, json=body
        )
        if answer is None:
            return
        if answer.status_code != httpx.codes.ACCEPTED:
            self._book.wrong.append(f"a good order was answered {answer.status_code} {answer.text[:300]}")
            return
        if known and answer.headers.get("Idempotent-Replayed") != "true":
            self._book.wrong.append(f"key {purchase.key} was accepted before, and no replay now")
        self._book.tell(purchase, answer.json()["id"])

    async def _place_in_bulk(self, customer: str, purchases: list[Purchase]) -> None:
        entries = [{"items": purchase.lines(), "idempotency_key": purchase.key} for purchase in purchases]
        answer = await self._sender.send(
            "POST", "/v1/orders/bulk", customer=customer, impatient=self._is_impatient(), json={"orders": entries}
        )
        if answer is None:
            return
        if answer.status_code != httpx.codes.ACCEPTED:
            self._book.wrong.append(f"a good bulk was answered {answer.status_code} {answer.text[:300]}")
            return
        for purchase, result in zip(purchases, answer.json()["results"], strict=True):
            if "order" in result:
                self._book.tell(purchase, result["order"]["id"])
            else:
                self._book.wrong.append(f"a good order of a bulk was refused: {result['problem']}")
