"""MongoDB going away answers 503 with Retry-After to all that wait, none hangs, and all is well when it is back."""

import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from pymongo.database import Database

from local.servers import Server
from shared.domain.errors import Unavailable
from shared.store.connection import Document
from shared.store.products import find_product
from tests.builders import a_product
from tests.buyers import buying
from tests.mongo import assert_ledger_true, put_products
from tests.rush import Purchase, read_at_once, rush
from tests.stack import Stack, wait_until

STALL_SECONDS = 2.5


@pytest.fixture(autouse=True)
def default_timeout(stack: Stack) -> None:
    del stack.environment["API_MONGO_TIMEOUT_SECONDS"]


@pytest.mark.parametrize("fault", ["killed", "hanging"])
def test_all_who_wait_get_503_and_the_service_comes_back_by_itself(stack: Stack, mongod: Server, fault: str) -> None:
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.start_api()
    stack.start_worker()
    stack.start_beat()
    with stack.client() as client:
        mongod.kill() if fault == "killed" else mongod.pause()

        answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(60)])
        assert Counter(answer.status_code for answer in answers) == {503: 60}
        assert {answer.json()["type"] for answer in answers} == {"/problems/unavailable"}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
        # Two seconds each, and what sixty clients at once take on a busy machine.
        assert max(answer.elapsed.total_seconds() for answer in answers) < 6
        assert client.get("/readyz").status_code == 503
        # A transaction, which the driver alone would repeat for two minutes.
        product = {"sku": "TEE", "name": "A shirt", "price": {"amount": 1, "currency": "EUR"}, "stock": 1}
        assert client.post("/v1/products", json=product, timeout=10).status_code == 503

        mongod.start() if fault == "killed" else mongod.resume()
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready", "the system to be ready again")

    answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(60)])
    assert {answer.status_code for answer in answers} == {202}
    stack.wait_until_decided()
    assert stack.database.orders.count_documents({"status": {"$ne": "confirmed"}}) == 0
    assert_ledger_true(stack.database)
    # An outage is nobody's defect.
    assert {part: stack.metrics(part).total("unexpected_errors_total") for part in ("api", "worker")} == {
        "api": 0,
        "worker": 0,
    }


def test_who_is_told_to_be_patient_waits_for_a_stall_to_pass(stack: Stack, mongod: Server) -> None:
    put_products(stack.database, a_product("MUG", stock=60))
    stack.start_api(API_MONGO_TIMEOUT_SECONDS="4.5")
    mongod.pause()
    threading.Timer(STALL_SECONDS, mongod.resume).start()
    answers = rush(stack.url, [Purchase(stack.token(), [("MUG", 1)]) for _ in range(60)])
    assert {answer.status_code for answer in answers} == {202}
    assert min(answer.elapsed.total_seconds() for answer in answers) > STALL_SECONDS / 2, "they met the stall"


def test_while_mongodb_hangs_all_who_buy_on_and_on_are_told_soon_and_no_thread_is_lost(
    stack: Stack, mongod: Server
) -> None:
    """Sixty-four buyers, in batch after batch of which none is written."""
    put_products(stack.database, a_product("MUG", stock=100_000))
    api = stack.start_api()
    stack.start_worker()
    stack.start_beat()
    with buying(stack, "MUG", count=64) as buyers, stack.client() as client:
        buyers.wait_for_more(500)
        mongod.pause()
        wait_until(lambda: buyers.statuses()[503] >= 64, "the first to be refused")
        threads = threads_of(api)
        wait_until(lambda: buyers.statuses()[503] >= 64 * 5, "five of each to be refused")
        asked = [client.get("/livez") for _ in range(20)]
        # As many as before: who is refused leaves nothing behind.
        assert threads_of(api) <= threads + 4
        mongod.resume()
        buyers.wait_for_more(100)

    buyers.check_answers()
    assert {answer.status_code for answer in asked} == {200}
    # Far above what it is, two seconds and nothing, so that a busy machine fails no test.
    assert max(answer.elapsed.total_seconds() for answer in buyers.answers if answer.status_code == 503) < 6
    assert max(answer.elapsed.total_seconds() for answer in asked) < 1
    stack.wait_until_decided()
    buyers.check_orders()
    assert_ledger_true(stack.database)


def test_workers_wait_for_mongodb_and_fail_no_order(stack: Stack, mongod: Server) -> None:
    """Longer than a deciding transaction and the first repetitions of its task."""
    put_products(stack.database, a_product("MUG", stock=1_000))
    stack.start_api()
    worker = stack.start_worker()
    stack.start_beat()
    with buying(stack, "MUG", count=16) as buyers:
        buyers.wait_for_more(100)
        mongod.kill()
        noticed = "orders can't be decided now"
        wait_until(lambda: noticed in stack.log("worker"), "the worker to notice", worker, limit=60)
        mongod.start()
        buyers.wait_for_more(100)

    stack.wait_until_decided()
    assert worker.poll() is None
    buyers.check_orders()
    assert_ledger_true(stack.database)


def threads_of(process: subprocess.Popen[bytes]) -> int:
    """Of the process and its children."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in [process.pid, *children])


def test_all_who_read_the_same_product_while_mongodb_hangs_are_told_soon(stack: Stack, mongod: Server) -> None:
    """None of them waits behind the others for a fill that does not come."""
    put_products(stack.database, a_product("MUG"))
    stack.start_api()
    mongod.pause()

    answers = read_at_once(stack.url, "/v1/products/MUG", readers=64)
    mongod.resume()

    assert Counter(answer.status_code for answer in answers) == {503: 64}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers)
    # Two seconds and what 64 clients at once take on a busy machine; one behind the other they would take a minute.
    assert max(answer.elapsed.total_seconds() for answer in answers) < 6
    with stack.client() as client:
        wait_until(lambda: client.get("/v1/products/MUG").is_success, "products to be read again")


def test_a_read_with_a_limit_of_its_own_ends_before_the_client_would_end_it(
    database: Database[Document], mongod: Server
) -> None:
    database.client.admin.command("ping")  # connected
    mongod.pause()
    started = time.monotonic()
    with pytest.raises(Unavailable):
        find_product(database, "MUG", within_seconds=0.5)
    took = time.monotonic() - started
    mongod.resume()
    assert took < 10, "the client's own limit is twenty seconds"
