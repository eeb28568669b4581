"""Reads through the cache while others buy: never back in time, never a stampede, and MongoDB hardly hears of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from redis import Redis

from tests.builders import a_product, a_sku
from tests.mongo import assert_ledger_true, product_reads, put_products
from tests.rush import poll, read_at_once
from tests.stack import Stack, wait_until

API_PROCESSES = 2
"""The default, with which the stack runs."""


READERS = 8
CHANGES = 60


@dataclass(frozen=True, slots=True)
class Read:
    """The version that was read, and the last one that a writer had been told of before the reader asked."""

    version: int
    answered_before: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What one reader saw, in order."""

    stocks: list[int]
    hits: int


def test_readers_never_see_the_stock_rise_and_the_first_read_after_the_last_decision_is_right(stack: Stack) -> None:
    sku = a_sku("RUSH")
    put_products(stack.database, a_product(sku, stock=400))
    stack.start_api()
    stack.start_worker()

    all_decided = Event()
    with ThreadPoolExecutor(24 + 6) as pool:
        try:
            readers = [pool.submit(read_until, all_decided, stack, sku) for _ in range(6)]
            buyers = [pool.submit(buy_until_refused, stack, sku, f"buyer-{number}") for number in range(24)]
            units_sold = sum(buyer.result() for buyer in buyers)
            wait_until(lambda: no_message_left(stack), "the worker to be done with the last decision")
            first_read_after = read_until(all_decided, stack, sku, reads_max=1)
        finally:
            all_decided.set()

    assert units_sold == 400
    assert first_read_after.stocks == [0]
    seen = [reader.result() for reader in readers]
    for reader in seen:
        assert reader.stocks == sorted(reader.stocks, reverse=True)
        assert len(set(reader.stocks)) > 5, "every reader must see the stock fall"
        assert reader.hits > 0, "every reader must read from the cache"
    assert any(reader.hits < len(reader.stocks) for reader in seen), "the cache must be filled meanwhile"
    assert_ledger_true(stack.database)


def test_who_reads_after_a_change_was_answered_sees_it_whichever_process_answers(stack: Stack) -> None:
    """Readers keep the copies of all processes as fresh as they can be, while a clerk changes the product."""
    sku = a_sku("EDITED")
    put_products(stack.database, a_product(sku, stock=0))
    stack.start_api()
    answered = [1]
    over = Event()
    with ThreadPoolExecutor(READERS) as pool:
        try:
            readers = [pool.submit(read_versions, over, stack, sku, answered) for _ in range(READERS)]
            change_often(stack, sku, answered)
        finally:
            over.set()

    for reader in readers:
        seen = reader.result()
        assert [read for read in seen if read.version < read.answered_before] == []
        versions = [read.version for read in seen]
        assert versions == sorted(versions), "no reader goes back in time"
        assert len(set(versions)) > CHANGES / 4, "every reader must see it change"


def test_a_cold_product_that_64_clients_ask_for_at_once_is_read_at_most_once_by_each_process(stack: Stack) -> None:
    sku = a_sku("HOT")
    put_products(stack.database, a_product(sku, stock=7))
    stack.start_api()
    before = product_reads(stack.database)

    answers = read_at_once(stack.url, f"/v1/products/{sku}", readers=64)

    assert [(answer.status_code, answer.json()["stock"]) for answer in answers] == [(200, 7)] * 64
    assert 1 <= product_reads(stack.database) - before <= API_PROCESSES


def read_until(end: Event, stack: Stack, sku: str, *, reads_max: int = 1_000_000) -> Seen:
    answers = []
    with stack.client() as client:
        while not end.is_set() and len(answers) < reads_max:
            answers.append(client.get(f"/v1/products/{sku}").raise_for_status())
    hits = sum(answer.headers["X-Cache"] == "hit" for answer in answers)
    return Seen([answer.json()["stock"] for answer in answers], hits)


def read_versions(over: Event, stack: Stack, sku: str, answered: list[int]) -> list[Read]:
    """By a new connection now and then, since whoever took one answers all that comes by it."""
    reads = []
    while not over.is_set():
        with stack.client() as client:
            for _ in range(20):
                before = answered[-1]
                answer = client.get(f"/v1/products/{sku}").raise_for_status()
                reads.append(Read(int(answer.headers["ETag"].strip('"v')), before))
    return reads


def change_often(stack: Stack, sku: str, answered: list[int]) -> None:
    """Each change raises the version by one."""
    with stack.client() as client:
        for number in range(CHANGES):
            if number % 2:
                changed = client.patch(f"/v1/products/{sku}", json={"name": f"Mug {number}"}, headers={"If-Match": "*"})
            else:
                delivery = {"delta": 1, "reason": "delivery"}
                changed = client.post(f"/v1/products/{sku}/stock-adjustments", json=delivery)
            changed.raise_for_status()
            answered.append(answered[-1] + 1)


def buy_until_refused(stack: Stack, sku: str, buyer: str) -> int:
    """One unit after the other; how many."""
    units = 0
    with stack.client(buyer) as client:
        while True:
            accepted = client.post("/v1/orders", json={"items": [{"sku": sku, "quantity": 1}]}).raise_for_status()
            [order] = poll(stack.url, stack.token(buyer), [accepted.json()["id"]])
            if order["status"] != "confirmed":
                return units
            units += 1


def no_message_left(stack: Stack) -> bool:
    """An order may be seen confirmed a moment before its product is invalidated; its message is acknowledged after."""
    with Redis.from_url(stack.environment["REDIS_BROKER_URL"]) as broker:
        return not broker.llen("orders") and not broker.hlen("unacked")
