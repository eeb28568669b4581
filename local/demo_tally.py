"""What is counted while an act of the demo plays, and the figures that come of it."""

import math
import threading
from collections import Counter
from datetime import datetime

from local.demo_customer import Order


class Tally:
    def __init__(self, title: str, orders: int) -> None:
        self.title = title
        self.orders = orders
        self.accepted = 0
        self.statuses: Counter[str] = Counter()
        self.decision_seconds: list[float] = []
        self.stock_left = 0
        self._first_accepted_at = math.inf
        self._last_decided_at = -math.inf
        # Every buyer is a thread, and += is not one step.
        self._lock = threading.Lock()

    @property
    def decided(self) -> int:
        return self.statuses.total() - self.statuses["pending"]

    def accept(self) -> None:
        with self._lock:
            self.accepted += 1

    def finish(self, order: Order) -> None:
        """Counts an order under its last status; one that was not decided in time stays pending."""
        with self._lock:
            self.statuses[order["status"]] += 1
            if order["status"] != "pending":
                accepted_at, decided_at = _accepted_and_decided_at(order)
                self.decision_seconds.append(decided_at - accepted_at)
                self._first_accepted_at = min(self._first_accepted_at, accepted_at)
                self._last_decided_at = max(self._last_decided_at, decided_at)

    @property
    def decided_per_second(self) -> float:
        """From the first acceptance to the last decision."""
        return self.decided / max(self._last_decided_at - self._first_accepted_at, 0.001)

    def percentile(self, percent: float) -> float:
        """Seconds, by nearest rank; not a number when nothing was decided."""
        ranked = sorted(self.decision_seconds)
        return ranked[math.ceil(percent / 100 * len(ranked)) - 1] if ranked else math.nan


def _accepted_and_decided_at(order: Order) -> tuple[float, float]:
    """In seconds since 1970, by the order's own history: polling adds nothing to it."""
    first, *_, last = (datetime.fromisoformat(entry["at"]).timestamp() for entry in order["history"])
    return first, last
