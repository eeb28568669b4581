"""The operators' commands while a server is away: what is done is done, what is not is told, without tracebacks."""

import json

import pytest

from local.servers import Server
from shared.clock import now
from shared.domain.order import Reason, ReasonCode
from shared.store.attempts import fail_order
from tests.builders import a_line, a_product, an_order
from tests.mongo import assert_ledger_true, find, put_orders, put_products, status_of, stock_of
from tests.operators import celery, complaint, orders_json
from tests.stack import Stack, wait_until


@pytest.fixture
def failed(stack: Stack) -> str:
    put_products(stack.database, a_product("MUG", stock=5))
    [order_id] = put_orders(stack.database, an_order(a_line("MUG", 2)))
    fail_order(stack.database, order_id, Reason(ReasonCode.UNPROCESSABLE), at=now())
    return order_id


@pytest.mark.parametrize(
    "words", [["list"], ["retry", "--all-failed"], ["sweep"], ["verify-stock"], ["stats"]], ids=lambda words: words[0]
)
def test_without_mongodb_nothing_can_be_told(stack: Stack, mongod: Server, words: list[str]) -> None:
    mongod.kill()
    said = complaint(stack, *words)
    mongod.start()
    assert said.startswith("Error: MONGO_URL: no MongoDB primary can be reached there")


def test_a_retry_without_the_broker_is_done_and_left_to_the_sweeper(
    stack: Stack, redis_broker: Server, failed: str
) -> None:
    redis_broker.kill()

    done = celery(stack, "orders", "retry", failed, "--json")

    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["orders"] == [{"id": failed, "status": "pending", "problem": None}]
    assert (document["complete"], document["announced"]) == (True, 0)
    assert done.stderr == (
        "Warning: the broker does not take messages: the sweeper will announce 1 of them when it does\n"
    )
    redis_broker.start()
    stack.start_worker()
    stack.start_beat()
    wait_until(lambda: status_of(stack.database, failed) == "confirmed", "the sweeper")
    assert_ledger_true(stack.database)


def test_a_sweep_without_the_broker_says_so_and_orders_stay_due(stack: Stack, redis_broker: Server) -> None:
    [order_id] = put_orders(stack.database, an_order())
    redis_broker.kill()

    assert "Error: the broker does not take messages: the rest stays due\n" in complaint(stack, "sweep")

    redis_broker.start()
    wait_until(lambda: find(stack.database, order_id)["next_announce_at"] <= now(), "it to be due again")
    assert orders_json(stack, "sweep") == {"announced": 1, "more": False}


def test_stats_without_the_broker_tell_the_rest(stack: Stack, redis_broker: Server) -> None:
    put_orders(stack.database, an_order())
    redis_broker.kill()

    done = celery(stack, "orders", "stats", "--json")

    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert (document["orders"]["pending"]["count"], document["queues"]) == (1, None)
    assert done.stderr == "Error: the broker can't be reached: the depth of the queues is not known\n"


def test_a_cancel_without_the_cache_is_done_and_warns_of_old_stock(stack: Stack, redis_cache: Server) -> None:
    put_products(stack.database, a_product("MUG", stock=5))
    [order_id] = put_orders(stack.database, an_order(a_line("MUG", 3)))
    stack.start_worker()
    celery(stack, "orders", "sweep")
    wait_until(lambda: status_of(stack.database, order_id) == "confirmed", "the order")
    redis_cache.kill()

    done = celery(stack, "orders", "cancel", order_id)

    assert (done.returncode, done.stdout) == (0, f"{order_id}  cancelled\n1 cancelled, 0 refused\n")
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith(
        "Warning: the cache is away: products may be shown with their stock of before for up to 30 s\n"
    )
    assert stock_of(stack.database, "MUG") == 5
    assert_ledger_true(stack.database)
