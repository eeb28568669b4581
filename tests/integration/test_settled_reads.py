"""Reads outside of transactions are of what a crash of MongoDB can't take back."""

from datetime import timedelta

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from shared.clock import now
from shared.domain.errors import ProductNotFound
from shared.store.announcements import claim_due
from shared.store.connection import connect
from shared.store.oldest_pending import oldest_pending
from shared.store.orders import find_order
from shared.store.products import find_product
from tests.builders import a_product, an_order
from tests.mongo import put_orders, put_products


class ReadConcerns(CommandListener):
    def __init__(self) -> None:
        self.levels: list[str | None] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in ("find", "aggregate"):
            self.levels.append(event.command.get("readConcern", {}).get("level"))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def test_orders_and_products_are_read_as_a_majority_has_them(mongo_url: str) -> None:
    reads = ReadConcerns()
    database = connect(mongo_url, timeout_milliseconds=5_000, listeners=[reads])
    try:
        put_products(database, a_product("MUG"))
        [order_id] = put_orders(database, an_order())
        reads.levels.clear()

        find_order(database, order_id)
        find_product(database, "MUG")
        oldest_pending(database)
        claim_due(database, claim="c", at=now() + timedelta(hours=1), limit=10, interval_max_seconds=10)
        with pytest.raises(ProductNotFound):
            find_product(database, "NOT-THERE")

        assert reads.levels == ["majority"] * 6
    finally:
        database.client.drop_database(database.name)
        database.client.close()
