"""The tables that are measured: their titles, their rows, and how their columns are headed."""

HOT = "one hot SKU"
OPEN_LOOP = "open loop at half the peak"
CPU = "CPU of this project, by kind of process"
SECOND_FLOOR = "the second floor: one process, no HTTP and no queue"
ACCEPTING = "accepting alone, and while deciding"
FEATURES = "what features cost"
BULK = "bulk orders"
CACHED = "a product from the cache"
STORED = "few orders stored, and many"
LOOKED_AT = "what MongoDB looks at"
WORKERS = "worker processes on one hot SKU"

OURS = "this-project"
PEERS = {
    OURS: "this project",
    "tutorial": "Flask, Celery: a task per order",
    "synchronous": "Flask, decided in the request",
    "express": "Express, Mongoose",
    "asyncio": "FastAPI, taskiq: a job per order",
    "floor": "bare Flask view",
}
"""In few words."""

BARE_FLOOR = "bare floor"
ALONE = "accepting alone"
WHILE_DECIDING = "while deciding"

ALL_FEATURES = "all features"
WITHOUT = {
    "the rate limit": "without the rate limit",
    "the token": "without the token",
    "validation": "without validation",
}
CALLERS = {1: "one token", 1_000: "1,000 tokens"}

ONE_PRODUCT = "one product"
MANY_PRODUCTS = "1,000 products"

ONE_WORKER = "1 process"
TWO_WORKERS = "2 processes"

ACTS = ("accept", "decide", "poll", "list", "sweep")

HEADINGS = {
    "accepted_per_second": "accepted/s",
    "answered_per_second": "answered/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "decided_per_second": "decided/s",
    "backlog_decided_per_second": "of a backlog, decided/s",
    "cpu_ms_per_order": "CPU ms/order",
    "memory_mb": "memory MB",
    "undecided": "undecided",
    "refused": "refused",
    "broken": "broken",
    "us_few": "µs, few",
    "us_many": "µs, many",
    "ratio": "many : few",
    "cpu_us_python": "Python µs",
    "cpu_us_api": "api µs",
    "cpu_us_worker": "worker µs",
    "cpu_us_beat": "beat µs",
    "cpu_us_flower": "Flower µs",
    "cpu_us_mongod": "mongod µs",
    "cpu_us_redis": "Redis µs",
    "keys_few": "keys, few",
    "keys_many": "keys, many",
    "documents_few": "documents, few",
    "documents_many": "documents, many",
}
"""In the order in which they stand."""

FAULTS = ("undecided", "refused", "broken")
"""Columns that are shown only when there was one."""


def connections(count: int) -> str:
    return f"{count} connection{'s' * (count > 1)}"


AT_128 = connections(128)


def with_callers(row: str, callers: int) -> str:
    return f"{row}, {CALLERS[callers]}"
