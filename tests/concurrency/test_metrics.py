"""What is counted is what is so: over several API processes, also when one of them is killed in between."""

import socket
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.builders import a_product
from tests.mongo import put_products
from tests.rush import Purchase, rush
from tests.scrape import Metrics
from tests.stack import Stack, wait_until

KEYS_USED_AGAIN = 20


def test_after_a_rush_over_several_processes_the_counters_agree_with_mongodb_exactly(stack: Stack) -> None:
    put_products(stack.database, a_product("RUSH", stock=150))
    api = stack.start_api()
    stack.start_worker()

    first = buy(stack, range(200))
    stack.wait_until_decided()
    before = stack.metrics("api")
    assert before.total("orders_accepted_total") == 200

    kill_one(stack, api.pid, started=3)
    assert_never_less(before, stack.metrics("api"))

    second = buy(stack, range(200, 400))
    replayed = buy(stack, range(KEYS_USED_AGAIN))
    stack.wait_until_decided()

    assert Counter(answer.status_code for answer in [*first, *second, *replayed]) == {202: 400 + KEYS_USED_AGAIN}
    truth = Counter(order["status"] for order in stack.database.orders.find({}, {"status": 1}))
    assert truth == {"confirmed": 150, "rejected": 250}
    api_metrics, worker_metrics = stack.metrics("api"), stack.metrics("worker")
    assert api_metrics.total("orders_accepted_total") == truth.total()
    assert api_metrics.total("accept_batch_orders_sum") == truth.total() + KEYS_USED_AGAIN
    assert api_metrics.total("orders_replayed_total") == KEYS_USED_AGAIN
    assert api_metrics.total("orders_refused_total") == 0
    placed = {"route": "/v1/orders", "method": "POST", "status": "202"}
    assert api_metrics.total("http_request_duration_seconds_count", **placed) == 400 + KEYS_USED_AGAIN
    assert {status: worker_metrics.total("orders_decided_total", status=status) for status in truth} == truth
    assert worker_metrics.total("order_decision_seconds_count") == truth.total()
    assert_never_less(before, api_metrics)


def test_a_process_goes_on_in_the_files_of_the_one_that_was_killed(stack: Stack) -> None:
    api = stack.start_api()
    for deaths in (1, 2, 3):
        before = stack.metrics("api")
        kill_one(stack, api.pid, started=2 + deaths)
        assert_never_less(before, stack.metrics("api"))
    [directory] = {Path(file.path).parent for child in living(api.pid) for file in child.open_files() if is_lock(file)}
    assert sorted(file.name for file in directory.glob("*.lock")) == ["place-0.lock", "place-1.lock"]
    assert sorted(file.name for file in directory.glob("counter_*")) == ["counter_0.db", "counter_1.db"]


def test_the_api_itself_has_no_metrics(stack: Stack) -> None:
    stack.start_api()
    assert httpx.get(f"{stack.url}/metrics", trust_env=False).status_code == 404


def test_a_port_that_is_taken_costs_the_metrics_alone(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        stack.start_api(METRICS_PORT=str(taken.getsockname()[1]))
        assert stack.log("api").count("metrics are not served") == 2


def buy(stack: Stack, numbers: Iterable[int]) -> list[httpx.Response]:
    """One unit for each number, which is the idempotency key."""
    token = stack.token()
    purchases = [Purchase(token, [("RUSH", 1)], {"Idempotency-Key": f"key-{number}"}) for number in numbers]
    return rush(stack.url, purchases)


def kill_one(stack: Stack, api: int, *, started: int) -> None:
    """And wait for the one in its place, which makes it so many that were started in all."""
    living(api)[0].kill()
    wait_until(lambda: stack.log("api").count("Started worker-") == started, "another process in its place")
    wait_until(lambda: len(living(api)) == 2, "the dead one to be gone")


def living(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if child.status() != psutil.STATUS_ZOMBIE]


def is_lock(file: Any) -> bool:
    return Path(file.path).match("order-processor-metrics-*/place-*.lock")


def assert_never_less(before: Metrics, after: Metrics) -> None:
    now = {(sample.name, *sorted(sample.labels.items())): sample.value for sample in after.samples}
    for sample in before.samples:
        assert now[(sample.name, *sorted(sample.labels.items()))] >= sample.value, sample
