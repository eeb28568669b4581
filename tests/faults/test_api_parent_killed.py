"""The API's parent process killed alone, as by the kernel when memory runs out: no child of it goes on unseen."""

from contextlib import suppress

import psutil

from tests.builders import a_product
from tests.mongo import assert_ledger_true, put_products
from tests.stack import Stack, wait_until


def test_the_processes_of_the_api_end_soon_after_their_parent(stack: Stack) -> None:
    put_products(stack.database, a_product("MUG"))
    api = stack.start_api()
    children = psutil.Process(api.pid).children()
    assert len(children) == 2

    api.kill()
    api.wait()
    try:
        wait_until(lambda: not any(child.is_running() for child in children), "its children to end", limit=10)
    finally:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()

    stack.start_api()
    stack.start_worker()
    with stack.client() as client:
        answer = client.post("/v1/orders", json={"items": [{"sku": "MUG", "quantity": 1}]})
        assert answer.status_code == 202
    stack.wait_until_decided()
    assert_ledger_true(stack.database)
