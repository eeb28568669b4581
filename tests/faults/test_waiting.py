"""Clients that wait for their order (`Prefer: wait=N`) over HTTP: they hear of it at once, and harm nobody else."""

import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from redis import Redis

from local.servers import Server
from tests.builders import a_product
from tests.mongo import put_products
from tests.stack import Stack, wait_until

ORDER = {"items": [{"sku": "MUG", "quantity": 1}]}
APPLIED = "Preference-Applied"


@pytest.fixture
def api(stack: Stack) -> Stack:
    """One process with four places, and waiting requests that do not look by themselves for a long time."""
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.environment |= {"API_PROCESSES": "1", "WAITERS_MAX": "4", "WAIT_READ_SECONDS": "60"}
    return stack


def place(stack: Stack) -> str:
    with stack.client() as client:
        answer = client.post("/v1/orders", json=ORDER)
    assert answer.status_code == 202
    return str(answer.headers["Location"])


def wait_for(stack: Stack, address: str, seconds: int) -> httpx.Response:
    with stack.client() as client:
        return client.get(address, headers={"Prefer": f"wait={seconds}"}, timeout=40)


@contextmanager
def waiting(stack: Stack, addresses: Sequence[str], seconds: int = 30) -> Iterator[list["Future[httpx.Response]"]]:
    """A client for each; begun when all have had the time to be waiting."""
    with ThreadPoolExecutor(len(addresses)) as pool:
        futures = [pool.submit(wait_for, stack, address, seconds) for address in addresses]
        time.sleep(0.7)
        yield futures


def hanging_client(stack: Stack, address: str, seconds: int = 30) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", stack.port), timeout=5)
    head = (
        f"GET {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.token()}\r\nPrefer: wait={seconds}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def test_who_waits_is_answered_by_the_notice_of_the_decision(api: Stack) -> None:
    api.start_api()
    address = place(api)
    with waiting(api, [address, address]) as answers:
        api.start_worker()
        api.start_beat()
        for answer in (future.result() for future in answers):
            assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
            assert answer.headers[APPLIED] == "wait=30"
            # Long before it would have looked by itself.
            assert answer.elapsed.total_seconds() < 25


def test_an_order_that_is_decided_while_the_client_waits_is_answered_within_a_moment(api: Stack) -> None:
    api.start_api()
    api.start_worker()
    place(api)
    api.wait_until_decided()
    started = time.monotonic()
    for _ in range(10):
        answer = wait_for(api, place(api), 30)
        assert (answer.json()["status"], answer.headers[APPLIED]) == ("confirmed", "wait=30")
    assert time.monotonic() - started < 10


def test_when_the_time_is_over_the_answer_is_the_pending_order(api: Stack) -> None:
    api.start_api()
    answer = wait_for(api, place(api), 2)
    assert (answer.status_code, answer.json()["status"], answer.headers[APPLIED]) == (200, "pending", "wait=2")
    assert answer.elapsed.total_seconds() >= 2
    assert int(answer.headers["Retry-After"]) >= 1


def test_beyond_the_bound_the_answer_comes_at_once_and_buyers_are_served_all_the_while(api: Stack) -> None:
    api.environment |= {"API_THREADS": "1"}
    api.start_api()
    address = place(api)
    with waiting(api, [address] * 4, seconds=6) as held:
        for _ in range(5):
            refused = wait_for(api, address, 30)
            assert (refused.status_code, refused.json()["status"]) == (200, "pending")
            assert APPLIED not in refused.headers
            place(api)
        assert not any(future.done() for future in held)
    assert [future.result().headers[APPLIED] for future in held] == ["wait=6"] * 4


def test_clients_that_hang_up_free_their_places_and_those_that_stay_keep_theirs(api: Stack) -> None:
    api.start_api()
    address = place(api)
    with waiting(api, [address], seconds=12) as [staying]:
        with ExitStack() as clients:
            for _ in range(3):
                clients.enter_context(hanging_client(api, address))
            wait_until(lambda: APPLIED not in wait_for(api, address, 1).headers, "all places to be taken")

        gone_at = time.monotonic()
        wait_until(lambda: APPLIED in wait_for(api, address, 1).headers, "a place to be free", limit=5)
        with waiting(api, [address] * 3, seconds=2) as others:
            assert not staying.done()
        assert [future.result().headers.get(APPLIED) for future in others] == ["wait=2"] * 3
        assert time.monotonic() - gone_at < 11
    assert staying.result().headers[APPLIED] == "wait=12"
    assert staying.result().elapsed.total_seconds() >= 12


@pytest.mark.parametrize("fault", ["killed", "hanging"])
def test_without_redis_who_waits_reads_and_hears_notices_again_when_it_is_back(
    api: Stack, redis_cache: Server, fault: str
) -> None:
    api.environment |= {"WAIT_READ_SECONDS": "1"}
    api.start_api()
    api.start_worker()
    api.start_beat()
    redis_cache.kill() if fault == "killed" else redis_cache.pause()
    for _ in range(3):
        answer = wait_for(api, place(api), 30)
        assert (answer.json()["status"], answer.headers[APPLIED]) == ("confirmed", "wait=30")
        assert answer.elapsed.total_seconds() < 20

    redis_cache.start() if fault == "killed" else redis_cache.resume()
    with Redis.from_url(redis_cache.url) as client:
        wait_until(lambda: client.pubsub_numsub("orders.finished")[0][1] == 1, "the subscription", limit=20)
        # The process is still the same one, which nobody restarted.
        time.sleep(1)
    started = time.monotonic()
    for _ in range(5):
        assert wait_for(api, place(api), 20).json()["status"] == "confirmed"
    assert time.monotonic() - started < 5


def test_an_api_that_is_stopped_answers_those_who_wait_at_once(api: Stack) -> None:
    process = api.start_api()
    address = place(api)
    with waiting(api, [address] * 3) as held:
        process.terminate()
        started = time.monotonic()
        answers = [future.result() for future in held]
        assert time.monotonic() - started < 3
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "pending")}
    assert {APPLIED in answer.headers for answer in answers} == {False}
    assert process.wait(15) == 0
