"""One trace from the request through the message to the deciding transaction, and nothing of it unasked."""

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.ports import free_port
from tests.builders import a_product
from tests.collector import Collector, Span
from tests.mongo import put_products
from tests.stack import Stack, wait_until

BUYERS = 20


@pytest.fixture
def traced(stack: Stack, collector: Collector) -> Stack:
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    return stack


def buy(stack: Stack, **headers: str) -> httpx.Response:
    with stack.client() as client:
        answer = client.post("/v1/orders", json={"items": [{"sku": "MUG", "quantity": 1}]}, headers=headers)
    assert answer.status_code == 202
    return answer


def ancestors(span: Span, spans: list[Span]) -> list[str]:
    """Their names, from the span itself to the root."""
    by_id = {each.span_id: each for each in spans}
    names = [span.name]
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        names.append(span.name)
    return names


def test_an_order_is_one_trace_from_its_request_to_its_transaction(traced, collector):
    traced.start_api()
    traced.start_worker()
    order_id = buy(traced, **{"X-Request-ID": "of-alice"}).json()["id"]
    on_the_way = ["POST /v1/orders", "order-acceptor batch", "announcer batch", "send orders", "process orders"]
    for name in [*on_the_way, "order-decider batch"]:  # each part sends its own when it likes
        wait_until(lambda name=name: collector.named(name), f"the span of {name}")

    of_order = [span for span in collector.spans if span.trace_id == collector.named("POST /v1/orders")[0].trace_id]
    [commit] = [span for span in of_order if span.name.endswith(".commitTransaction")]
    assert ancestors(commit, of_order) == [
        commit.name,
        "order-decider batch",
        "process orders",
        "send orders",
        "announcer batch",
        "order-acceptor batch",
        "POST /v1/orders",
    ]
    [insert] = [span for span in of_order if span.name.endswith(".insert") and span.part == "order-processor-api"]
    assert ancestors(insert, of_order)[1:] == ["order-acceptor batch", "POST /v1/orders"]
    assert commit.part == "order-processor-worker"
    [request] = [span for span in of_order if span.name == "POST /v1/orders"]
    assert request.attributes["order_processor.order_id"] == order_id
    assert request.attributes["order_processor.request_id"] == "of-alice"
    assert request.attributes["http.response.status_code"] == 202


def test_who_is_in_a_batch_is_linked_with_it_both_ways(traced, collector):
    """Deciding is stopped meanwhile, so that its batch is of several messages."""
    traced.start_api()
    worker = traced.start_worker()
    worker.send_signal(signal.SIGSTOP)
    buyers = [threading.Thread(target=buy, args=[traced]) for _ in range(BUYERS)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: len(collector.named("POST /v1/orders")) == BUYERS, "the requests' spans")
    for batch in ("order-acceptor batch", "announcer batch", "order-decider batch"):
        wait_until(lambda batch=batch: sum_of_sizes(collector, batch) == BUYERS, f"{batch} spans")
    wait_until(
        lambda: len(collector.named("process orders")) == len(collector.named("send orders")), "the tasks' spans"
    )

    requests = {span.span_id: span for span in collector.named("POST /v1/orders")}
    for batch in collector.named("order-acceptor batch"):
        assert batch.attributes["order_processor.batch.size"] == len(batch.links) + 1
        for linked in batch.links:
            assert batch.span_id in requests[linked].links, "beside that of the permits, which were leased together"
    tasks = {span.span_id: span for span in collector.named("process orders")}
    for batch in collector.named("order-decider batch"):
        assert all(tasks[linked].links == {batch.span_id} for linked in batch.links)


def sum_of_sizes(collector: Collector, name: str) -> int:
    return sum(span.attributes["order_processor.batch.size"] for span in collector.named(name))


def test_a_trace_that_a_caller_has_begun_goes_on(traced, collector):
    traced.start_api()
    buy(traced, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    wait_until(lambda: collector.named("POST /v1/orders"), "the request's span")
    [request] = collector.named("POST /v1/orders")
    assert (request.trace_id, request.parent_id) == ("a" * 32, "b" * 16)


def test_a_log_line_within_a_trace_has_its_id(traced, collector):
    traced.environment["ACCESS_LOG"] = "true"
    traced.start_api()
    traced.start_worker()
    buy(traced)
    wait_until(lambda: collector.named("POST /v1/orders"), "the request's span")
    wait_until(lambda: collector.named("process orders"), "the task's span")
    [request] = collector.named("POST /v1/orders")
    for part in ("api", "worker"):
        assert f'"trace_id": "{request.trace_id}"' in traced.log(part)


def test_what_a_caller_puts_into_headers_of_traces_is_in_no_log_least_of_all_under_anothers_request_id(
    traced, collector
):
    traced.environment["API_PROCESSES"] = "1"
    traced.start_api()
    with httpx.Client(base_url=traced.url) as client:  # one connection, one thread, no token
        client.get("/v1/products", headers={"X-Request-ID": "of-alice"})
        client.get("/v1/products", headers={"X-Request-ID": "of-bob", "baggage": "==secret-of-bob"})
        client.get("/v1/products", headers={"X-Request-ID": "of-bob", "baggage": "y" * 20_000})
        too_many = ",".join(f"vendor{n}=secret" for n in range(40))
        parent = f"00-{'a' * 32}-{'b' * 16}-01"
        client.get("/v1/products", headers={"X-Request-ID": "of-bob", "traceparent": parent, "tracestate": too_many})
    wait_until(lambda: len(collector.named("GET /v1/products")) == 4, "the requests' spans")
    log = traced.log("api")
    assert [text for text in ("secret", "yyy", "of-alice") if text in log] == []


def test_nobody_asks_mongodb_or_beats_for_the_collector(traced, collector):
    """What happens by itself, every second or two, is no trace."""
    traced.start_api()
    traced.start_worker()
    traced.start_beat()
    buy(traced)
    wait_until(lambda: traced.database.heartbeats.find_one(), "a sweep")
    wait_until(lambda: collector.named("process orders"), "the task's span")
    roots = {span.name for span in collector.spans if not span.parent_id}
    assert roots == {"POST /v1/orders"}


@pytest.fixture(params=["away", "mute"])
def deaf_port(request) -> Iterator[int]:
    """Of a collector that is not there, and of one that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        yield free_port() if request.param == "away" else mute.getsockname()[1]


def test_a_collector_that_does_not_answer_costs_no_order_and_delays_no_stop(stack, deaf_port):
    """After more spans than one request can bring there."""
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{deaf_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
    }
    parts = [stack.start_api(), stack.start_worker()]
    for _ in range(BUYERS):
        buy(stack)
    stack.wait_until_decided()
    for part in parts:
        part.terminate()
        assert part.wait(5.5) == 0, "make run would kill it after six seconds"


@pytest.mark.parametrize("endpoint", ["", None])
def test_unasked_no_part_even_loads_what_traces(stack, endpoint):
    stack.environment |= {} if endpoint is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "SENTRY_DSN": ""}
    parts = [stack.start_api(), stack.start_worker()]
    for part in parts:
        for pid in [part.pid, *children(part.pid)]:
            mapped = Path(f"/proc/{pid}/maps").read_text()
            assert "_upb" not in mapped, "protobuf is there for the exporter alone"


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]
