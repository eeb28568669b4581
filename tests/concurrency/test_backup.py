"""A backup in the middle of a rush is one moment of it, and what was pending then is decided after a restore."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo.database import Database

from local.backup import back_up, restore
from local.errors import BackupFailed, BackupUnusable
from local.servers import Server, running_mongod
from shared.store.connection import Document, connect
from shared.store.indexes import INDEXES, ensure_indexes
from tests.builders import a_line, a_product, an_order
from tests.buyers import buying
from tests.mongo import assert_ledger_true, everything, put_orders, put_products, stock_of
from tests.stack import Stack

STOCK = 100_000


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """Another MongoDB, empty."""
    with running_mongod(tmp_path / "fresh") as server:
        yield server


@pytest.fixture
def restored(fresh: Server) -> Iterator[Database[Document]]:
    """The database that backups are restored into."""
    database = connect(fresh.url, timeout_milliseconds=20_000)
    yield database
    database.client.close()


def test_a_backup_in_a_rush_is_one_moment_and_goes_on_from_there(
    stack: Stack, mongo_url: str, fresh: Server, restored: Database[Document], tmp_path: Path
) -> None:
    put_products(stack.database, *(a_product(f"OTHER-{n:04}") for n in range(3_000)), a_product("MUG", stock=STOCK))
    stack.start_api()
    worker = stack.start_worker()
    backup = tmp_path / "orders.backup"
    with buying(stack, "MUG", count=24) as buyers:
        buyers.wait_for_more(300)
        before = {order_id for ids in list(buyers.accepted.values()) for order_id in ids}
        contents = back_up(mongo_url, backup)
        buyers.wait_for_more(100)
    after = {order_id for ids in buyers.accepted.values() for order_id in ids}

    assert restore(backup, fresh.url) == contents
    orders = {order["_id"]: order["status"] for order in restored.orders.find()}
    assert before <= orders.keys() <= after, "all that was accepted before, and nothing made up"
    assert set(orders.values()) <= {"pending", "confirmed"}
    assert_ledger_true(restored)
    assert stock_of(restored, "MUG") == STOCK - list(orders.values()).count("confirmed")

    # One that worked on the old database would take messages that are meant for those on the restored one.
    worker.terminate()
    worker.wait(20)
    # What is pending there is swept, and takes stock once.
    pending = an_order(a_line("MUG"))
    put_orders(restored, pending)
    restored.orders.update_many({"status": "pending"}, [{"$set": {"next_announce_at": "$created_at"}}])
    (tmp_path / "second").mkdir()
    redis_urls = stack.environment["REDIS_BROKER_URL"], stack.environment["REDIS_CACHE_URL"]
    with Stack(tmp_path / "second", restored, fresh.url, *redis_urls) as second:
        second.start_worker()
        second.start_beat()
        second.wait_until_decided()
    assert restored.orders.count_documents({"status": "confirmed"}) == len(orders) + 1
    assert stock_of(restored, "MUG") == STOCK - len(orders) - 1
    assert_ledger_true(restored)


def test_all_comes_back_with_its_indexes(
    database: Database[Document], mongo_url: str, fresh: Server, restored: Database[Document], tmp_path: Path
) -> None:
    put_products(database, a_product("MUG"), a_product("TEE"))
    put_orders(database, an_order(), an_order())
    backup = tmp_path / "orders.backup"

    back_up(mongo_url, backup)
    restore(backup, fresh.url)

    assert everything(restored) == everything(database)
    for name in INDEXES:
        assert restored[name].index_information() == database[name].index_information()
    ensure_indexes(restored)  # the next start finds nothing to do, and nothing that is in its way
    assert backup.stat().st_mode & 0o777 == 0o600


def test_what_is_there_is_never_overwritten(
    database: Database[Document], mongo_url: str, fresh: Server, restored: Database[Document], tmp_path: Path
) -> None:
    put_products(database, a_product("MUG"))
    put_products(restored, a_product("OTHER"))
    before = everything(restored)
    back_up(mongo_url, tmp_path / "orders.backup")

    with pytest.raises(BackupFailed, match="not empty"):
        restore(tmp_path / "orders.backup", fresh.url)
    assert everything(restored) == before


def test_a_file_that_is_not_whole_is_refused_before_anything_is_written(
    database: Database[Document], mongo_url: str, fresh: Server, restored: Database[Document], tmp_path: Path
) -> None:
    put_products(database, *(a_product(f"SKU-{n}") for n in range(50)))
    backup, broken = tmp_path / "orders.backup", tmp_path / "broken.backup"
    back_up(mongo_url, backup)
    whole = gzip.decompress(backup.read_bytes())

    for content in (
        backup.read_bytes()[:-20],
        gzip.compress(whole[:-1]),
        gzip.compress(whole.replace(b"SKU-7", b"SKU-x")),
        b"no backup at all",
        b"",
    ):
        broken.write_bytes(content)
        with pytest.raises(BackupUnusable):
            restore(broken, fresh.url)
    assert restored.list_collection_names() == []
