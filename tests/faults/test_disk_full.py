"""No room left: on MongoDB's disk, on the broker's, in its memory. What was accepted is decided when there is room.

A full disk is staged with a limit to the size of files, which any user may set for a process of theirs: a write beyond
it fails (EFBIG), as one to a full disk does (ENOSPC).
"""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis, ResponseError

from local.servers import Server, mongod_server, redis_server
from tests.builders import a_product
from tests.buyers import buying
from tests.mongo import assert_ledger_true, put_products
from tests.stack import KeptWorker, Stack, wait_until

UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Server]:
    yield from running(mongod_server(tmp_path / "mongod"))


@pytest.fixture
def redis_broker(tmp_path: Path) -> Iterator[Server]:
    yield from running(redis_server(tmp_path / "redis-broker", role="broker"))


def running(server: Server) -> Iterator[Server]:
    # Else the signal that comes with the error would end it, and no error be seen.
    server.command = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh", *server.command]
    server.start()
    try:
        yield server
    finally:
        server.kill()


def limit_files(server: Server, size: int) -> None:
    """No file of it may grow beyond this from now on."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


def test_a_mongod_whose_disk_is_full_loses_nothing_that_it_acknowledged(stack: Stack, mongod: Server) -> None:
    start_all(stack)
    with buying(stack, "MUG") as buyers:
        buyers.wait_for_more(100)
        limit_files(mongod, 64 * 1024)
        # It ends by itself when its journal can't be written: nothing else would be safe.
        wait_until(lambda: mongod.process.poll() is not None, "mongod to give up", limit=60)
        wait_until(lambda: buyers.statuses()[503], "a refusal")
        mongod.start()
        buyers.wait_for_more(100)

    buyers.check_answers()
    stack.wait_until_decided()
    buyers.check_orders()
    assert_ledger_true(stack.database)


@pytest.mark.parametrize("fault", ["memory", "disk"])
def test_a_broker_without_room_delays_orders_and_loses_none(stack: Stack, redis_broker: Server, fault: str) -> None:
    worker = start_all(stack)
    with buying(stack, "MUG") as buyers:
        buyers.wait_for_more(100)
        take_room(redis_broker, fault)
        wait_until(lambda: refuses_writes(redis_broker), "the broker to refuse writes")
        buyers.wait_for_more(100)
        wait_until(lambda: "announcement failed, left to the sweeper" in stack.log("api"), "the log to say so")
        give_room(redis_broker, fault)
        wait_until(lambda: not refuses_writes(redis_broker), "the broker to take writes")

    assert set(buyers.statuses()) == {202}
    wait_until(lambda: worker.is_kept() and not stack.database.orders.find_one({"status": "pending"}), "all orders")
    buyers.check_orders()
    assert_ledger_true(stack.database)


def test_a_mongod_that_stands_still_most_of_the_time_is_slow_and_nothing_else(stack: Stack, mongod: Server) -> None:
    """As on a disk that is overrun: three quarters of each moment it does nothing."""
    start_all(stack)
    with buying(stack, "MUG") as buyers:
        buyers.wait_for_more(50)
        before = len(buyers.accepted)
        while len(buyers.accepted) < before + 200:
            mongod.pause()
            time.sleep(0.3)
            mongod.resume()
            time.sleep(0.1)

    buyers.check_answers()
    stack.wait_until_decided()
    buyers.check_orders()
    assert_ledger_true(stack.database)


def take_room(broker: Server, fault: str) -> None:
    if fault == "disk":
        limit_files(broker, 1)
        return
    with Redis.from_url(broker.url) as client:
        client.config_set("maxmemory", 1)


def give_room(broker: Server, fault: str) -> None:
    if fault == "disk":
        limit_files(broker, UNLIMITED)
        return
    with Redis.from_url(broker.url) as client:
        client.config_set("maxmemory", 0)


def refuses_writes(broker: Server) -> bool:
    """`OOM command not allowed`, or `MISCONF`."""
    with Redis.from_url(broker.url) as client:
        try:
            client.set("tried", 1)
        except ResponseError:
            return True
    return False


def start_all(stack: Stack) -> KeptWorker:
    put_products(stack.database, a_product("MUG", stock=100_000))
    stack.start_api()
    worker = KeptWorker(stack)
    stack.start_beat()
    return worker
