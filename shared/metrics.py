"""What API and workers count, in one table; `docs/metrics.md` is made from it, and HTTP's is in `api/metrics.py`.

Names and units: https://prometheus.io/docs/practices/naming/. Batches are counted, not requests: a count costs a
microsecond, and a request of the accept path has few to spend. `labels()` costs as much again, so the children of a
label are made here, once. Every value that a label can have is written down in this file or bounded by the routes.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Counter, Histogram

PREFIX = "order_processor"

BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
DECISION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600)


class BatchHistogram(Histogram):
    """One that takes a batch for little more than the price of one: it has no such method of its own."""

    def observe_all(self, amounts: Iterable[float]) -> None:
        amounts = list(amounts)
        self._sum.inc(sum(amounts))
        for place, count in Tally(bisect_left(self._upper_bounds, amount) for amount in amounts).items():
            self._buckets[place].inc(count)


def children(counter: Counter, *values: str) -> dict[str, Counter]:
    """The children of a counter with one label, by the value of the label; there from the start, with zero."""
    return {value: counter.labels(value) for value in values}


# Accepting

ORDERS_ACCEPTED = Counter(f"{PREFIX}_orders_accepted_total", "Orders stored on a majority of MongoDB.")
ORDERS_REPLAYED = Counter(
    f"{PREFIX}_orders_replayed_total", "Orders that were asked for again, with the idempotency key of the first time."
)
ORDERS_REFUSED = children(
    Counter(f"{PREFIX}_orders_refused_total", "Orders that were valid and not accepted.", ["reason"]),
    "idempotency_key_reuse",
    "queue_too_long",
    "unavailable",
    "write_refused",
)
ACCEPT_BATCH = Histogram(f"{PREFIX}_accept_batch_orders", "Orders in one insert.", buckets=BATCH_BUCKETS)

# Announcing

ANNOUNCEMENTS = children(
    Counter(f"{PREFIX}_announcements_total", "Messages published to the queue, by API and sweeper.", ["outcome"]),
    "sent",
    "failed",
)
SWEEPS = Counter(f"{PREFIX}_sweeps_total", "Sweeps that came to their end.")
ORDERS_SWEPT = Counter(f"{PREFIX}_orders_swept_total", "Pending orders that the sweeper announced again.")

# Deciding

ORDERS_DECIDED = children(
    Counter(f"{PREFIX}_orders_decided_total", "Orders that became final by being processed.", ["status"]),
    "confirmed",
    "rejected",
    "failed",
)
ORDERS_CANCELLED = Counter(f"{PREFIX}_orders_cancelled_total", "Orders that were cancelled, once each.")
ATTEMPTS_FAILED = Counter(f"{PREFIX}_attempts_failed_total", "Attempts to process an order that came to nothing.")
DECIDE_BATCH = Histogram(f"{PREFIX}_decide_batch_orders", "Orders in one deciding transaction.", buckets=BATCH_BUCKETS)
DECISION_SECONDS = BatchHistogram(
    f"{PREFIX}_order_decision_seconds",
    "From the acceptance of an order to its confirmation or rejection.",
    buckets=DECISION_BUCKETS,
)
TRANSACTIONS = Counter(f"{PREFIX}_transactions_total", "Transactions: decisions, cancellations, changes of products.")
TRANSACTION_RETRIES = Counter(
    f"{PREFIX}_transaction_retries_total", "Transactions run again because of a conflict or an election."
)
PRODUCTS_RAN_LOW = Counter(
    f"{PREFIX}_products_ran_low_total", "Products whose stock fell to their low-stock threshold."
)

# Defects

UNEXPECTED_ERRORS = Counter(
    f"{PREFIX}_unexpected_errors_total",
    "Defects, with a line in the log: requests that were answered 500, and tasks of a worker that failed.",
)

# Redis

CACHE_READS = children(
    Counter(f"{PREFIX}_cache_reads_total", "Products read through the cache.", ["result"]), "hit", "miss"
)
CACHE_FILLS_REFUSED = Counter(
    f"{PREFIX}_cache_fills_refused_total",
    "Products not cached because they changed, or were cached, since they were read.",
)
NOTICES_FAILED = Counter(
    f"{PREFIX}_notices_failed_total", "Notices of finished orders that could not be published: clients wait longer."
)
