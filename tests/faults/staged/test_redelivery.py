"""A message that comes to a second worker while the first is in the middle of it has one effect."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.queue import announce_orders, make_celery
from tests.builders import a_line, a_product, an_order, settings
from tests.mongo import assert_ledger_true, put_orders, put_products, stock_of
from tests.stack import Stack, wait_until
from tests.staged import Fault, staged

COMMIT = "pymongo.client_session:ClientSession.commit_transaction"
ORDERS = 20


@pytest.fixture
def order_ids(stack: Stack) -> Iterator[list[str]]:
    """Announced twice: a worker with one thread takes one of the messages and leaves the other."""
    stack.environment["WORKER_THREADS"] = "1"
    put_products(stack.database, a_product("MUG", stock=100))
    order_ids = put_orders(stack.database, *(an_order(a_line("MUG", 2)) for _ in range(ORDERS)))
    celery = make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"]))
    for _ in range(2):
        announce_orders(celery, order_ids)
    yield order_ids
    assert stack.database.orders.count_documents({"status": "confirmed"}) == ORDERS
    assert {len(order["history"]) for order in stack.database.orders.find()} == {2}
    assert stack.database.stock_movements.count_documents({"kind": "sale"}) == ORDERS
    assert stock_of(stack.database, "MUG") == 60
    assert_ledger_true(stack.database)


def test_the_second_waits_for_the_first_and_finds_nothing_to_do(
    stack: Stack, order_ids: list[str], tmp_path: Path
) -> None:
    first = start_held(stack, Fault(COMMIT, "before", tmp_path / "held", "hold"))
    conflicts = aborted(stack)
    stack.start_worker("second")
    wait_until(lambda: aborted(stack) > conflicts + 2, "the second to meet the first")
    assert stack.database.orders.count_documents({"status": "pending"}) == len(order_ids)

    first.release()
    wait_until(lambda: stack.messages_left() == 0, "both to be done")


def test_the_second_takes_over_from_a_first_that_hangs_which_finds_nothing_to_do_then(
    stack: Stack, order_ids: list[str], tmp_path: Path
) -> None:
    """MongoDB ends a transaction after ten seconds, whoever holds it (decision 0007)."""
    first = start_held(stack, Fault(COMMIT, "before", tmp_path / "held", "hold"))
    stack.start_worker("second")
    stack.wait_until_decided()
    assert stack.database.stock_movements.count_documents({"kind": "sale"}) == len(order_ids)

    first.release()
    wait_until(lambda: stack.messages_left() == 0, "both to be done")


def test_the_second_finds_nothing_to_do_while_the_first_does_not_know_yet_that_it_has_committed(
    stack: Stack, order_ids: list[str], tmp_path: Path
) -> None:
    first = start_held(stack, Fault(COMMIT, "after", tmp_path / "held", "hold"))
    stack.start_worker("second")
    wait_until(lambda: stack.messages_left() == 1, "the second to be done")
    assert stack.database.orders.count_documents({"status": "confirmed"}) == len(order_ids)

    first.release()
    wait_until(lambda: stack.messages_left() == 0, "both to be done")


def start_held(stack: Stack, fault: Fault) -> Fault:
    with staged(stack, fault):
        stack.start_worker("first")
    wait_until(lambda: fault.happened, "the first to be in the middle of it")
    return fault


def aborted(stack: Stack) -> int:
    """Transactions, since the server started."""
    return int(stack.database.client.admin.command("serverStatus")["transactions"]["totalAborted"])
