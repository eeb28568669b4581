"""What the cache is for: in a read-mostly mix MongoDB sees a tenth of the product reads or less, by its own count."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

from pymongo import WriteConcern
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from redis import Redis

from shared.cache import make_product_cache
from shared.local_copies import Entry
from shared.store.connection import Document
from shared.store.documents import product_document
from shared.store.products import find_product
from tests.builders import a_product, settings
from tests.mongo import product_reads

OPERATIONS = 25_000
WRITES_IN_A_HUNDRED = 5
THREADS = 4
SKUS = [f"SKU-{number}" for number in range(1_000)]


def test_mongodb_sees_ninety_percent_fewer_product_reads_than_without_the_cache(
    database: Database[Document], redis: Redis
) -> None:
    product_cache = make_product_cache(redis, settings(cache_ttl_seconds=600))  # nothing expires on a slow machine
    database.products.insert_many([product_document(a_product(sku)) for sku in SKUS])

    # No write here must survive a crash, and reads see it all the same.
    quick = database.client.get_database(
        database.name, read_concern=ReadConcern("local"), write_concern=WriteConcern(w=1)
    )

    def load(sku: str) -> Entry:
        return Entry(f"v{find_product(quick, sku).version}", b"{}")

    def read_cached(sku: str) -> Entry:
        return product_cache.get_or_load(sku, lambda _: load(sku))[0]

    def write(sku: str) -> None:
        quick.products.update_one({"_id": sku}, {"$inc": {"version": 1}})

    def write_and_invalidate(sku: str) -> None:
        with product_cache.changing() as warn:
            warn([sku])()
            write(sku)

    without_cache = product_reads_of(database, lambda: run_mix(load, write))
    with_cache = product_reads_of(database, lambda: run_mix(read_cached, write_and_invalidate))

    assert without_cache == OPERATIONS - sum(is_write for is_write, _ in mix())
    assert 0 < with_cache <= without_cache / 10
    assert [read_cached(sku) for sku in SKUS] == [load(sku) for sku in SKUS], "and what is cached is right"


def mix() -> list[tuple[bool, str]]:
    """Whether it is a write, and of which product; the products by Zipf's law. The same every time."""
    random = Random(1)
    zipf = [1 / rank for rank, _ in enumerate(SKUS, start=1)]
    skus = random.choices(SKUS, zipf, k=OPERATIONS)
    return [(random.randrange(100) < WRITES_IN_A_HUNDRED, sku) for sku in skus]


def run_mix(read: Callable[[str], object], write: Callable[[str], object]) -> None:
    operations = mix()

    def run(thread: int) -> None:
        for is_write, sku in operations[thread::THREADS]:
            write(sku) if is_write else read(sku)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(run, range(THREADS)))


def product_reads_of(database: Database[Document], run: Callable[[], None]) -> int:
    before = product_reads(database)
    run()
    return product_reads(database) - before
