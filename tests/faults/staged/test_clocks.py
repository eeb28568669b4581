"""Clocks that are an hour wrong: orders are decided once all the same, and none waits for the hour to pass."""

from pathlib import Path

import pytest
from redis import Redis

from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, put_orders, put_products, stock_of
from tests.rush import Purchase, rush
from tests.stack import Stack, wait_until
from tests.staged import staged

AN_HOUR = 3_600
EITHER_WAY = pytest.mark.parametrize("seconds", [AN_HOUR, -AN_HOUR], ids=["ahead", "behind"])
ORDERS = 50


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    clock = tmp_path / "clock"
    clock.write_text("0")
    return clock


@EITHER_WAY
def test_an_api_whose_clock_is_wrong(stack: Stack, clock: Path, seconds: int) -> None:
    clock.write_text(str(seconds))
    start_all(stack, clock, wrong="api")
    answers = rush(stack.url, [Purchase(token(stack, seconds), [("MUG", 1)]) for _ in range(ORDERS)])
    assert {answer.status_code for answer in answers} == {202}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in answers)
    assert_all_decided_once(stack)


@EITHER_WAY
def test_an_api_whose_clock_is_wrong_and_whose_message_is_lost(stack: Stack, clock: Path, seconds: int) -> None:
    """When the order is announced again is told by the clock of the API, and asked by that of the sweeper."""
    clock.write_text(str(seconds))
    start_api(stack, clock)
    answers = rush(stack.url, [Purchase(token(stack, seconds), [("MUG", 1)]) for _ in range(ORDERS)])
    assert {answer.status_code for answer in answers} == {202}
    lose_messages(stack)
    stack.start_worker()
    stack.start_beat()
    assert_all_decided_once(stack)


@EITHER_WAY
def test_a_worker_whose_clock_is_wrong_decides_what_it_is_sent(stack: Stack, clock: Path, seconds: int) -> None:
    clock.write_text(str(seconds))
    start_all(stack, clock, wrong="worker")
    answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(ORDERS)])
    assert {answer.status_code for answer in answers} == {202}
    assert_all_decided_once(stack)


@EITHER_WAY
def test_a_worker_whose_clock_is_wrong_sweeps(stack: Stack, clock: Path, seconds: int) -> None:
    clock.write_text(str(seconds))
    put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(ORDERS)))
    start_all(stack, clock, wrong="worker")
    assert_all_decided_once(stack)


@EITHER_WAY
def test_a_beat_whose_clock_is_wrong_has_orders_swept(stack: Stack, clock: Path, seconds: int) -> None:
    clock.write_text(str(seconds))
    put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(ORDERS)))
    start_all(stack, clock, wrong="beat")
    assert_all_decided_once(stack)


@EITHER_WAY
def test_a_beat_whose_clock_jumps_has_orders_swept(stack: Stack, clock: Path, seconds: int) -> None:
    start_all(stack, clock, wrong="beat")
    wait_until(lambda: stack.database.heartbeats.count_documents({}), "the first sweep")
    clock.write_text(str(seconds))
    wait_until(lambda: not stack.messages_left("maintenance"), "sweeps from before")
    put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(ORDERS)))
    assert_all_decided_once(stack)


@EITHER_WAY
def test_a_sweeper_whose_clock_was_wrong_leaves_orders_that_are_announced_soon(
    stack: Stack, clock: Path, seconds: int
) -> None:
    """It has swept with a wrong clock, which was put right then, and its messages were lost."""
    clock.write_text(str(seconds))
    put_products(stack.database, a_product("MUG", stock=ORDERS))
    put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(ORDERS)))
    with staged(stack, clock=clock):
        sweeper = stack.spawn_worker("sweeper", "--queues", "maintenance")
        beat = stack.start_beat()
    wait_until(lambda: stack.database.heartbeats.count_documents({}), "a sweep")
    for process in (beat, sweeper):
        process.terminate()
        process.wait(20)
    lose_messages(stack)
    stack.start_worker()
    stack.start_beat("beat-2")
    assert_all_decided_once(stack)


@EITHER_WAY
def test_nobody_takes_a_worker_whose_clock_was_wrong_for_one_that_lives(
    stack: Stack, clock: Path, seconds: int
) -> None:
    clock.write_text(str(seconds))
    stack.start_api()
    with staged(stack, clock=clock):
        worker = stack.start_worker()
        beat = stack.start_beat()
    wait_until(lambda: stack.database.heartbeats.count_documents({}), "a sweep")
    for process in (beat, worker):
        process.kill()
        process.wait()
    with stack.client() as client:
        wait_until(lambda: client.get("/readyz").json()["checks"]["worker"]["state"] == "stale", "the truth", limit=40)


def start_all(stack: Stack, clock: Path, *, wrong: str) -> None:
    put_products(stack.database, a_product("MUG", stock=ORDERS))
    starts = {"api": stack.start_api, "worker": stack.start_worker, "beat": stack.start_beat}
    for part, start in starts.items():
        if part == wrong:
            with staged(stack, clock=clock):
                start()
        else:
            start()


def start_api(stack: Stack, clock: Path) -> None:
    put_products(stack.database, a_product("MUG", stock=ORDERS))
    with staged(stack, clock=clock):
        stack.start_api()


def token(stack: Stack, seconds: int) -> str:
    """Valid by a clock that is as many seconds ahead."""
    return stack.token(seconds=seconds + AN_HOUR)


def lose_messages(stack: Stack) -> None:
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
        broker.flushdb()


def assert_all_decided_once(stack: Stack) -> None:
    stack.wait_until_decided(30)
    assert stack.database.orders.count_documents({"status": "confirmed"}) == ORDERS
    assert {len(order["history"]) for order in stack.database.orders.find()} == {2}
    assert stock_of(stack.database, "MUG") == 0
    assert_ledger_true(stack.database)
