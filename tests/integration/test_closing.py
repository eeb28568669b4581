"""Whoever changes a product: at the commit nobody shows the old one any more, and right after it, all show the new one.

A process beside the writer has a copy of the product that is as fresh as it can be. The clock of both stands still and
moves on by what the writer waits, so that no slow machine makes the copy old.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from redis import Redis, RedisError

from shared.cache import LeaseCache, make_product_cache
from shared.local_copies import Entry
from shared.services.decide_orders import OrderDecider
from shared.store.connection import Document
from tests.builders import a_line, a_product, an_order, bearer, settings
from tests.mongo import put_orders, put_products
from tests.standing_clock import StandingClock, standing_clock

OLD, NEW = Entry("old", b"old"), Entry("new", b"new")
CLERK = bearer("clerk", scope="products:write stock:write orders:write")
ANYTHING = {"If-Match": "*"}
NDJSON = {"Content-Type": "application/x-ndjson"}
MUG = "/v1/products/MUG"
DELIVERY = {"delta": 1, "reason": "delivery"}
ROW = b'{"sku": "MUG", "name": "Cup", "price": {"amount": 1, "currency": "EUR"}}\n'

Writer = Callable[[FlaskClient, OrderDecider, list[str]], object]
"""The orders are one that is confirmed, and one that is pending."""

WRITERS: dict[str, Writer] = {
    "sale": lambda _, decider, orders: decider.decide([orders[1]]),
    "cancellation": lambda client, *others: client.post(f"/v1/orders/{others[1][0]}/cancel", headers=CLERK),
    "adjustment": lambda client, *_: client.post(f"{MUG}/stock-adjustments", json=DELIVERY, headers=CLERK),
    "edit": lambda client, *_: client.patch(MUG, json={"name": "Cup"}, headers=CLERK | ANYTHING),
    "archiving": lambda client, *_: client.delete(MUG, headers=CLERK | ANYTHING),
    "import": lambda client, *_: client.post("/v1/products/import", data=ROW, headers=CLERK | NDJSON).data,
}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> StandingClock:
    return standing_clock(monkeypatch)


@pytest.fixture
def orders(database: Database[Document], decider: OrderDecider) -> list[str]:
    put_products(database, a_product("MUG", stock=5))
    orders = put_orders(database, *(an_order(a_line("MUG"), customer="clerk") for _ in range(2)))
    decider.decide(orders[:1])
    return orders


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_at_the_commit_nobody_shows_what_was_before(
    client: FlaskClient,
    decider: OrderDecider,
    orders: list[str],
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    writer: Writer,
) -> None:
    reader, other = (make_product_cache(redis, settings()) for _ in range(2))
    reader.get_or_load("MUG", lambda _: OLD)
    shown: list[tuple[str, tuple[Entry, bool]]] = []
    tell, commit = LeaseCache._tell, ClientSession.commit_transaction

    def read_and_tell(*args: Any) -> int:
        shown.append(("before it is told", reader.get_or_load("MUG", lambda _: NEW)))
        return tell(*args)

    def read_and_commit(session: ClientSession) -> None:
        with monkeypatch.context() as reader_alone:
            for question in ("_renew", "_read_or_lease"):
                reader_alone.setattr(reader, question, unanswered)
            shown.append(("before the commit", reader.get_or_load("MUG", lambda _: NEW)))
        commit(session)

    monkeypatch.setattr(LeaseCache, "_tell", read_and_tell)
    monkeypatch.setattr(ClientSession, "commit_transaction", read_and_commit)
    writer(client, decider, orders)

    # told twice: of the change that comes, and right before the commit
    assert shown == [*[("before it is told", (OLD, True))] * 2, ("before the commit", (NEW, False))]
    assert other.get_or_load("MUG", lambda _: NEW) == (NEW, False)


def unanswered(**_: object) -> None:
    raise RedisError
