"""The primary of a replica set of three hands over, or dies: what was acknowledged stays, and orders go on.

A planned step-down is short enough for the driver to hide it. An election after a death takes seconds, longer than a
request may wait: 503 with Retry-After, and who repeats with the same key gets one order.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.servers import Server
from shared.store.connection import connect
from shared.store.indexes import ensure_indexes
from tests.builders import a_product
from tests.buyers import buying
from tests.mongo import assert_ledger_true, put_products
from tests.replica_set import ReplicaSet, running_replica_set
from tests.stack import Stack


@pytest.fixture
def replica_set(tmp_path: Path) -> Iterator[ReplicaSet]:
    with running_replica_set(tmp_path / "replica-set") as replica_set:
        yield replica_set


@pytest.fixture
def stack(replica_set: ReplicaSet, redis_broker: Server, redis_cache: Server, tmp_path: Path) -> Iterator[Stack]:
    url = replica_set.url("order_processor")
    database = connect(url, timeout_milliseconds=20_000)
    ensure_indexes(database)
    with Stack(tmp_path, database, url, redis_broker.url, redis_cache.url) as stack:
        yield stack
    database.client.close()


def test_a_planned_step_down_is_hidden_from_clients(stack: Stack, replica_set: ReplicaSet) -> None:
    start_all(stack)
    with buying(stack, "MUG") as buyers:
        # Twice: the third would find both others still forbidden to become primary again.
        for _ in range(2):
            was = replica_set.step_down()
            assert replica_set.primary() is not was
            buyers.wait_for_more(100)
            replica_set.wait_until_whole()

    assert set(buyers.statuses()) == {202}
    stack.wait_until_decided()
    buyers.check_orders()
    assert_ledger_true(stack.database)


def test_a_primary_that_is_killed_takes_nothing_with_it(stack: Stack, replica_set: ReplicaSet) -> None:
    start_all(stack)
    with buying(stack, "MUG") as buyers:
        for _ in range(2):
            was = replica_set.primary()
            was.kill()
            assert replica_set.primary() is not was
            buyers.wait_for_more(100)
            was.start()
            replica_set.wait_until_whole()

    buyers.check_answers()
    stack.wait_until_decided()
    buyers.check_orders()
    assert_ledger_true(stack.database)


def start_all(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG", stock=100_000))
    stack.start_api()
    stack.start_worker()
    stack.start_beat()
