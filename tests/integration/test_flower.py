"""Flower as compose starts it, on real servers: what it shows of a message, who gets in, how a task is repeated."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from celery.utils.saferepr import saferepr
from flower.urls import handlers
from pymongo.database import Database
from tornado.web import URLSpec

from shared.clock import now
from shared.domain.order import Reason, ReasonCode
from shared.queue import announce_orders, make_celery
from shared.store.attempts import fail_order
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, settings
from tests.flower import PASSWORD, USER, Flower
from tests.mongo import assert_ledger_true, everything, find, put_orders, put_products, status_of, stock_of
from tests.stack import Stack

OPEN = {("GET", "/metrics"), ("GET", "/healthcheck"), ("GET", "/logout")}
NOTHING = {("GET", "/static/x"), ("GET", "/x"), ("POST", "/x")}
"""No such file, no such page. The files of its pages are anybody's, as they are in its repository."""

MANY = 500
"""Orders of one message: as many as the sweeper puts into it."""


@pytest.fixture
def flower(stack: Stack, tmp_path: Path) -> Iterator[Flower]:
    flower = Flower(stack, tmp_path)
    with flower.client:
        yield flower


def announce(stack: Stack, order_ids: list[str]) -> None:
    """In one message, as the API does."""
    with make_celery(settings(redis_broker_url=stack.environment["REDIS_BROKER_URL"])) as celery:
        announce_orders(celery, order_ids)


def test_an_order_can_be_seen_in_flower_with_what_became_of_it(stack: Stack, flower: Flower) -> None:
    put_products(stack.database, a_product("MUG", stock=1))
    flower.start()
    stack.start_api()
    stack.start_worker()
    flower.wait_until_it_sees("worker@test")
    with stack.client() as client:
        entry = {"items": [{"sku": "MUG", "quantity": 1}]}
        answer = client.post("/v1/orders/bulk", json={"orders": [entry] * 3}).raise_for_status()
    order_ids = [result["order"]["id"] for result in answer.json()["results"]]

    task = flower.wait_for_task_of(order_ids[0])

    assert task["state"] == "SUCCESS"
    assert task["args"] == saferepr([order_ids])
    assert task["kwargs"] == "{'again': False}"
    assert task["result"] == "'1 confirmed, 2 rejected'"
    assert [status_of(stack.database, order_id) for order_id in order_ids] == ["confirmed", "rejected", "rejected"]
    page = flower.client.get(f"/task/{task['uuid']}")
    assert all(text in page.text for text in [*order_ids, "SUCCESS", "1 confirmed, 2 rejected"])
    columns = flower.client.get("/tasks").text
    assert all(f'data-column="{column}"' in columns for column in ("args", "state", "result"))


def test_of_a_message_of_500_orders_it_shows_the_first_and_the_log_has_them_all(stack: Stack, flower: Flower) -> None:
    """Each task takes a bounded piece of Flower's memory, however many orders it names (docs/decisions, 0027)."""
    put_products(stack.database, a_product("MUG", stock=MANY - 1))
    order_ids = put_orders(stack.database, *(an_order(a_line("MUG")) for _ in range(MANY)))
    flower.start()
    stack.start_worker()
    flower.wait_until_it_sees("worker@test")

    announce(stack, order_ids)
    task = flower.wait_for_task_of(order_ids[0])

    assert task["result"] == f"'{MANY - 1} confirmed, 1 rejected'"
    assert len(task["args"]) < 1_100
    assert all(order_id in task["args"] for order_id in order_ids[:20])
    assert task["args"].endswith("...]]")
    [entry] = [entry for entry in stack.log_entries("worker") if entry.get("task_id") == task["uuid"]]
    assert entry["order_ids"] == order_ids


def test_nobody_gets_in_without_the_password(flower: Flower) -> None:
    flower.start()
    known = requests_of_flower()
    assert {("GET", "/"), ("GET", "/tasks"), ("GET", "/api/tasks"), ("POST", "/api/worker/shutdown/x")} <= known
    for auth in (None, (USER, "wrong"), (USER, ""), ("", PASSWORD), ("", "")):
        with httpx.Client(base_url=flower.url, auth=auth) as client:
            asked = {
                (method, address): client.request(method, address).status_code
                for method in ("GET", "POST")
                for _, address in known
            }
        assert {request for request, status in asked.items() if status < httpx.codes.BAD_REQUEST} == OPEN
        assert {asked[request] for request in known - OPEN - NOTHING} == {httpx.codes.UNAUTHORIZED}


def requests_of_flower() -> set[tuple[str, str]]:
    """All that it knows, by its own table: a new one that forgets the password is noticed."""
    table = [(one.regex.pattern, one.handler_class) if isinstance(one, URLSpec) else one[:2] for one in handlers]
    return {
        (method.upper(), "/" + re.sub(r"\(\.[+*]\)|\.\*", "x", pattern).strip("/$?"))
        for pattern, handler in table
        for method in ("get", "post")
        if method in vars(handler)
    }


def test_a_task_that_is_repeated_retries_failed_orders_and_has_no_second_effect(
    stack: Stack, flower: Flower, database: Database[Document]
) -> None:
    """By its API: its page has no button for it."""
    put_products(database, a_product("MUG", stock=10))
    failed, decided = put_orders(database, an_order(a_line("MUG", 2)), an_order(a_line("MUG", 3)))
    fail_order(database, failed, Reason(ReasonCode.ATTEMPTS_EXHAUSTED), at=now())
    flower.start()
    stack.start_worker()
    flower.wait_until_it_sees("worker@test")
    announce(stack, [failed, decided])
    first = flower.wait_for_task_of(failed)
    assert first["result"] == "'1 confirmed, 1 already final or put off'"
    assert (status_of(database, failed), stock_of(database, "MUG")) == ("failed", 7)

    repeat(flower, "async-apply", failed, decided)

    second = flower.wait_for_task_of(failed, number=2)
    assert second["result"] == "'1 confirmed, 1 already final or put off'"
    assert [entry["status"] for entry in find(database, failed)["history"]][-3:] == ["failed", "pending", "confirmed"]
    assert (status_of(database, decided), stock_of(database, "MUG")) == ("confirmed", 5)

    before = everything(database)
    repeat(flower, "send-task", failed, decided)
    assert flower.wait_for_task_of(failed, number=3)["result"] == "'2 already final or put off'"
    assert everything(database) == before
    assert_ledger_true(database)


def repeat(flower: Flower, how: str, *order_ids: str) -> None:
    """As curl -d does it, which takes what it sends for a form."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = json.dumps({"args": [order_ids]})
    answer = flower.client.post(f"/api/task/{how}/orders.process", content=body, headers=form)
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json().keys() == {"task-id"}


def test_its_page_has_no_button_that_repeats_a_task(stack: Stack, flower: Flower) -> None:
    """When a new Flower has one, docs/operators.md is to say so, and the test above is to press it."""
    [order_id] = put_orders(stack.database, an_order(a_line("MUG")))
    flower.start()
    stack.start_worker()
    flower.wait_until_it_sees("worker@test")
    announce(stack, [order_id])
    task = flower.wait_for_task_of(order_id)
    page = flower.client.get(f"/task/{task['uuid']}").text
    script = flower.client.get("/static/js/flower.js").text
    assert "task-uuid-copy" in page, "the page has buttons"
    assert not [word for word in ("retry</button", "apply", "send-task") if word in (page + script).lower()]
