"""What the clients know: what each of them asked for, and everything that they were told about it."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field

SEEN_FINAL_MAX = 2_000


@dataclass(slots=True)
class Purchase:
    """One order that a buyer means to place. `told` are the ids in the answers: one, however often it is sent.

    `cancel_answer` is the status code of the answer to cancelling it, if it was cancelled and somebody answered.
    """

    customer: str
    key: str
    items: dict[str, int]
    told: set[str] = field(default_factory=set)
    cancel_sent: bool = False
    cancel_answer: int | None = None

    def lines(self) -> list[dict[str, str | int]]:
        return [{"sku": sku, "quantity": quantity} for sku, quantity in self.items.items()]


class Book:
    """Written by the load and by the watch, each in a thread; read by the main thread, in the end by the verdict."""

    def __init__(self) -> None:
        self.purchases: list[Purchase] = []
        self.requests = 0
        self.repeated = 0
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        """What no client may ever be told, a line each."""
        self.accepted = 0
        self.final = 0
        self.open: dict[str, float] = {}
        """When each accepted order was first told, by id, until it is seen final; by `time.monotonic`."""
        self.recent: deque[tuple[str, str]] = deque(maxlen=SEEN_FINAL_MAX)
        """Customers and ids of the orders accepted last."""
        self.longest_to_final = 0.0
        self.longest_outage = 0.0
        self.status_reads = 0
        self.stock_reads = 0
        self._last_accepted = time.monotonic()

    def add(self, purchase: Purchase) -> Purchase:
        self.purchases.append(purchase)
        return purchase

    def tell(self, purchase: Purchase, order_id: str) -> None:
        now = time.monotonic()
        self.longest_outage = max(self.longest_outage, now - self._last_accepted)
        self._last_accepted = now
        if not purchase.told:
            self.accepted += 1
            self.open[order_id] = now
            self.recent.append((purchase.customer, order_id))
        purchase.told.add(order_id)

    def start_clock(self) -> None:
        self._last_accepted = time.monotonic()

    def stop_clock(self) -> None:
        """From here on it is no outage that nobody buys."""
        self.longest_outage = max(self.longest_outage, time.monotonic() - self._last_accepted)

    def see_final(self, order_id: str) -> None:
        accepted_at = self.open.pop(order_id, None)
        if accepted_at is not None:
            self.final += 1
            self.longest_to_final = max(self.longest_to_final, time.monotonic() - accepted_at)
