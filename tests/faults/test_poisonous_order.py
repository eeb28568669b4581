"""An order that kills every worker which tries it: it fails after a few, and costs the other orders a delay alone."""

from pathlib import Path

from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, find, put_orders, put_products
from tests.stack import Stack, wait_until

ATTEMPTS_MAX = 2

# Python runs it at its start, before it imports what it is there for.
POISON = """
import os, signal, sys
sys.path.insert(0, os.getcwd())
from shared.domain import allocation
decide = allocation.decide
def decide_or_die(orders, offers):
    if any(line.sku == "POISON" for order in orders for line in order.items):
        os.kill(os.getpid(), signal.SIGKILL)
    return decide(orders, offers)
allocation.decide = decide_or_die
"""


def test_an_order_that_kills_its_worker_fails_and_the_others_of_its_batch_are_decided(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(POISON)
    stack.environment |= {"PYTHONPATH": str(tmp_path), "ATTEMPTS_MAX": str(ATTEMPTS_MAX)}
    put_products(stack.database, a_product("MUG", stock=50), a_product("POISON", stock=50))
    others = put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(20)))
    [poisonous] = put_orders(stack.database, an_order(a_line("MUG"), a_line("POISON")))
    stack.start_beat()

    deaths, worker = 0, stack.spawn_worker("worker-0")

    def all_is_final() -> bool:
        nonlocal deaths, worker
        if worker.poll() is not None:
            deaths += 1
            worker = stack.spawn_worker(f"worker-{deaths}")
        return not stack.database.orders.count_documents({"status": "pending"})

    wait_until(all_is_final, "all orders to be final", limit=90)
    assert {find(stack.database, order_id)["status"] for order_id in others} == {"confirmed"}
    failed = find(stack.database, poisonous)
    assert (failed["status"], failed["reason"]["code"]) == ("failed", "attempts_exhausted")
    assert failed["attempts"] == deaths == ATTEMPTS_MAX
    assert failed["error"]["text"] == "The worker ended while it was trying this order."
    assert_ledger_true(stack.database)
