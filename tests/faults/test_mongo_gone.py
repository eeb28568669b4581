"""MongoDB going away answers 503 with Retry-After to all that wait, none hangs, and all is well when it is back."""

import time
from collections import Counter

import pytest
from pymongo.database import Database

from local.servers import Server
from shared.domain.errors import Unavailable
from shared.store.connection import Document
from shared.store.products import find_product
from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products
from tests.rush import Purchase, read_at_once, rush
from tests.stack import Stack, wait_until


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
        # The first two batches of each process wait for the driver's limit, all behind them fail at once.
        assert max(answer.elapsed.total_seconds() for answer in answers) < 10
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
