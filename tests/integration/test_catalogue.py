"""The list of products on a real MongoDB: exact against a plain reference, stable while rows move, by indexes."""

import itertools
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from local.servers import Server
from shared.domain.catalogue import ProductQuery, ProductSort
from shared.domain.money import Money
from shared.domain.product import Product
from shared.store.catalogue import list_products
from shared.store.connection import Document, connect
from shared.store.documents import listing_document, product_document, product_from
from shared.store.indexes import ensure_indexes
from shared.store.pages import Position
from tests.builders import a_product

NAMES = ["Blue mug", "blue MUG, large", "Mug", "Straße 7", "STRASSE", "Tee-shirt", "tee", "ﬁne cup", "Apfel", "Äpfel"]
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

products = st.lists(
    st.builds(
        lambda sku, name, price, stock, threshold, minutes, archived: a_product(
            sku,
            name=name,
            price=price,
            stock=stock,
            low_stock_threshold=threshold,
            created_at=EPOCH + timedelta(minutes=minutes),
            archived_at=EPOCH if archived else None,
        ),
        st.from_regex(r"\A(MUG|mug|TEE|M)[-._]?[0-2]{0,2}\Z"),
        st.sampled_from(NAMES),
        st.integers(0, 3),
        st.integers(0, 3),
        st.none() | st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 4).map(lambda n: n == 0),
    ),
    max_size=25,
    unique_by=lambda product: product.sku,
)
TEXTS = ["mug", "M", "mug-", "tee", "Blue Large", "large mug", "strasse", "FINE", "x", ".", "apfel"]
queries = st.builds(
    ProductQuery,
    text=st.none()
    | st.sampled_from(
        ["mug", "MUG", "M", "mug-", "tee", "blue large", "large blue", "strasse", "FINE", "x", ".", "apfel"]
    ),
    min_price=st.none() | st.integers(0, 3),
    max_price=st.none() | st.integers(0, 3),
    in_stock=st.none() | st.booleans(),
    low_stock=st.none() | st.booleans(),
    sort=st.sampled_from(ProductSort),
    descending=st.booleans(),
)


def put(database: Database[Document], rows: list[Product]) -> None:
    database.products.delete_many({})
    database.product_listings.delete_many({})
    if rows:
        database.products.insert_many([product_document(row) for row in rows])
        database.product_listings.insert_many([listing_document(row) for row in rows])


def pages(database: Database[Document], query: ProductQuery, limit: int) -> Iterator[list[Product]]:
    position: Position | None = None
    while True:
        page = list_products(database, query, after=position, limit=limit)
        yield [product_from(row) for row in page.rows]
        position = page.next
        if position is None:
            return


def expected(rows: list[Product], query: ProductQuery) -> list[Product]:
    """The reference, in plain Python."""
    sort_keys: dict[ProductSort, Callable[[Product], Any]] = {
        ProductSort.SKU: lambda product: product.sku,
        ProductSort.NAME: lambda product: product.name.replace("ﬁ", "fi").casefold(),
        ProductSort.PRICE: lambda product: product.price.amount,
        ProductSort.CREATED_AT: lambda product: product.created_at,
        ProductSort.STOCK: lambda product: product.stock,
    }
    key = sort_keys[query.sort]
    found = [row for row in rows if row.archived_at is None and fits(row, query)]
    return sorted(found, key=lambda row: (key(row), row.sku), reverse=query.descending)


def fits(product: Product, query: ProductQuery) -> bool:
    return (
        (query.min_price is None or product.price.amount >= query.min_price)
        and (query.max_price is None or product.price.amount <= query.max_price)
        and (query.in_stock is None or (product.stock > 0) == query.in_stock)
        and (query.low_stock is None or product.low_stock == query.low_stock)
        and (query.text is None or is_found(product, query.text.lower()))
    )


def is_found(product: Product, text: str) -> bool:
    if product.sku.lower().startswith(text):
        return True
    name = product.name.replace("ﬁ", "fi").casefold().replace(",", " ").replace("-", " ").split()
    words = text.replace(".", " ").replace("-", " ").split()
    return bool(words) and all(word in name for word in words)


@given(rows=products, query=queries, limit=st.integers(1, 30))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_list_is_that_of_the_reference(
    database: Database[Document], rows: list[Product], query: ProductQuery, limit: int
) -> None:
    put(database, rows)

    found = list(pages(database, query, limit))

    assert list(itertools.chain(*found)) == expected(rows, query)
    assert all(len(page) == limit for page in found[:-1])


@given(
    rows=products,
    comers=products,
    leavers=st.sets(st.integers(0, 24)),
    query=queries,
    limit=st.integers(1, 5),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_that_is_there_all_the_time_is_listed_once_and_in_its_place(
    database: Database[Document],
    rows: list[Product],
    comers: list[Product],
    leavers: set[int],
    query: ProductQuery,
    limit: int,
) -> None:
    """One comes and one goes after each page."""
    put(database, rows)
    coming = iter([comer for comer in comers if comer.sku not in {row.sku for row in rows}])
    going = iter([row for place, row in enumerate(rows) if place in leavers])
    gone: set[str] = set()

    listed: list[Product] = []
    for page in pages(database, query, limit):
        listed += page
        if comer := next(coming, None):
            database.products.insert_one(product_document(comer))
            database.product_listings.insert_one(listing_document(comer))
        if leaver := next(going, None):
            gone.add(leaver.sku)
            archived = replace(leaver, archived_at=EPOCH)
            database.products.replace_one({"_id": leaver.sku}, product_document(archived))
            database.product_listings.replace_one({"_id": leaver.sku}, listing_document(archived))

    assert listed == expected(listed, query), "in order, each once, and all fit"
    assert len({row.sku for row in listed}) == len(listed)
    stayed = [row for row in expected(rows, query) if row.sku not in gone]
    assert [row for row in listed if row in stayed] == stayed


QUERIES = [
    ProductQuery(sort=sort, descending=descending, **filters)
    for sort in ProductSort
    for descending in (False, True)
    for filters in (
        {},
        {"in_stock": True},
        {"in_stock": False},
        {"low_stock": True},
        {"low_stock": False, "in_stock": True},
        {"min_price": 95},
        {"min_price": 40, "max_price": 45},
        {"text": "rare"},
        {"text": "RARE-1"},
        {"text": "mug"},
        {"text": "mug", "in_stock": True, "low_stock": True, "max_price": 50},
    )
]


@pytest.fixture(scope="module")
def shop(mongod: Server) -> Iterator[Database[Document]]:
    """Two thousand products, each of twenty kinds the same in all but its SKU."""
    database = connect(f"mongodb://127.0.0.1:{mongod.port}/shop?replicaSet=rs0", timeout_milliseconds=20_000)
    ensure_indexes(database)
    put(database, [a_product_of_many(n) for n in range(2_000)])
    yield database
    database.client.drop_database(database.name)
    database.client.close()


def a_product_of_many(n: int) -> Product:
    rare = n % 400 == 0
    return a_product(
        f"{'RARE' if rare else 'MUG'}-{n:04}",
        name="A rare mug" if rare else f"Mug {n % 20}",
        price=n % 100,
        stock=n % 20,
        low_stock_threshold=1,
        created_at=EPOCH + timedelta(minutes=n % 50),
    )


@pytest.fixture
def profiled(shop: Database[Document]) -> Database[Document]:
    """With MongoDB's profiler on: it keeps each operation with the plan that served it."""
    shop.command("profile", 0)
    shop.drop_collection("system.profile")
    shop.command("profile", 2)
    return shop


def queries_of(database: Database[Document]) -> list[Document]:
    database.command("profile", 0)
    either = [f"{database.name}.{collection}" for collection in ("products", "product_listings")]
    return list(database["system.profile"].find({"op": "query", "ns": {"$in": either}}))


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_filter_and_every_order_is_served_by_an_index(profiled: Database[Document], query: ProductQuery) -> None:
    """Of the first page and of the next: never a scan, and no sort but that of what a search found."""
    first = list_products(profiled, query, after=None, limit=20)
    if first.next:
        list_products(profiled, query, after=first.next, limit=20)

    operations = queries_of(profiled)
    assert operations
    for operation in operations:
        assert "IXSCAN" in operation["planSummary"], operation["planSummary"]
        assert "COLLSCAN" not in operation["planSummary"], operation["planSummary"]
        if query.text is None:
            assert not operation.get("hasSortStage")
            of_the_list = operation["ns"].endswith(".product_listings")
            assert operation["docsExamined"] <= (0 if of_the_list else 21), "only what is answered is fetched"
        elif query.text != "mug":
            assert operation["docsExamined"] <= 20, "a rare word is looked up"


@pytest.mark.parametrize("sort", [ProductSort.STOCK, ProductSort.NAME])
def test_a_page_of_equal_rows_reads_no_more_than_it_answers(profiled: Database[Document], sort: ProductSort) -> None:
    """A hundred rows have each stock and name: going through them costs no more at the end than at the beginning."""
    query = ProductQuery(sort=sort)

    assert sum(len(page) for page in pages(profiled, query, 30)) == 2_000

    operations = queries_of(profiled)
    assert len(operations) > 2_000 / 30
    assert max(operation["keysExamined"] for operation in operations) <= 60, "two for a row that is found by its id"


def test_a_listing_without_its_product_takes_no_page_along(database: Database[Document]) -> None:
    put(database, [a_product(f"MUG-{n}") for n in range(4)])
    database.products.delete_one({"_id": "MUG-1"})
    found = pages(database, ProductQuery(), 2)
    assert [[product.sku for product in page] for page in found] == [["MUG-0"], ["MUG-2", "MUG-3"]]


def test_the_plan_test_would_see_a_sort_and_a_scan(profiled: Database[Document]) -> None:
    list(profiled.products.find({"description": None}, sort=[("updated_at", 1)]))
    [operation] = queries_of(profiled)
    assert operation["hasSortStage"]
    assert "COLLSCAN" in operation["planSummary"]


class TestOverHttp:
    @pytest.fixture(autouse=True)
    def rows(self, database: Database[Document]) -> None:
        put(database, [a_product(f"MUG-{n}", name=f"Mug {n}", price=n, stock=n % 2) for n in range(5)])

    def skus(self, client: FlaskClient, query: str) -> list[str]:
        response = client.get(f"/v1/products?{query}")
        assert response.status_code == 200, response.text
        return [product["sku"] for product in response.json["items"]]

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ("", [0, 1, 2, 3, 4]),
            ("limit=2", [0, 1]),
            ("limit=100", [0, 1, 2, 3, 4]),
            ("sort=-price", [4, 3, 2, 1, 0]),
            ("sort=-sku&limit=1", [4]),
            ("in_stock=true", [1, 3]),
            ("in_stock=false&sort=name", [0, 2, 4]),
            ("min_price=1&max_price=2", [1, 2]),
            ("max_price=0", [0]),
            ("q=mug%203", [3]),
            ("q=mug-3", [3]),
            ("q=nothing", []),
            ("low_stock=true", []),
            ("sort=stock", [0, 2, 4, 1, 3]),
            ("sort=-stock", [3, 1, 4, 2, 0]),
        ],
    )
    def test_what_is_asked_for_is_answered(self, client: FlaskClient, query: str, numbers: list[int]) -> None:
        assert self.skus(client, query) == [f"MUG-{n}" for n in numbers]

    @pytest.mark.parametrize("sort", ["sku", "-sku", "name", "-price", "created_at", "-created_at", "stock"])
    def test_the_links_lead_through_all_pages(self, client: FlaskClient, sort: str) -> None:
        response = client.get(f"/v1/products?limit=2&sort={sort}&q=mug")
        found = response.json["items"]
        while link := response.headers.get("Link"):
            assert f"cursor={response.json['next_cursor']}" in link
            response = client.get(link.removeprefix("<").removesuffix('>; rel="next"'))
            found += response.json["items"]
        assert response.json["next_cursor"] is None
        assert [product["sku"] for product in found] == self.skus(client, f"limit=100&sort={sort}&q=mug")
        assert len(found) == 5

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=1.0", "limit"),
            ("limit=1_0", "limit"),
            ("limit=", "limit"),
            ("limit=%EF%BC%91", "limit"),
            ("limit=1&limit=2", "limit"),
            ("sort=weight", "sort"),
            ("sort=--sku", "sort"),
            ("sort=SKU", "sort"),
            ("in_stock=yes", "in_stock"),
            ("in_stock=True", "in_stock"),
            ("low_stock=1", "low_stock"),
            ("min_price=-1", "min_price"),
            ("max_price=99999999999999999999", "max_price"),
            ("min_price[$gt]=1", "min_price[$gt]"),
            ("q=", "q"),
            ("q=%00", "q"),
            (f"q={'a' * 101}", "q"),
            ("page=2", "page"),
        ],
    )
    def test_a_query_that_does_not_fit_is_refused(self, client: FlaskClient, query: str, field: str) -> None:
        response = client.get(f"/v1/products?{query}")
        assert response.status_code == 400
        assert response.json["type"] == "/problems/invalid-request"
        assert list(response.json["errors"]) == [field]

    def test_a_search_is_text_and_never_an_operator(self, client: FlaskClient) -> None:
        for text in ("$gt", "{$gt:''}", ".*", "^=", "%24where"):
            assert self.skus(client, f"q={text}") == []

    def cursor(self, client: FlaskClient, query: str = "limit=2") -> str:
        return str(client.get(f"/v1/products?{query}").json["next_cursor"])

    def test_a_forged_cursor_is_refused(self, client: FlaskClient) -> None:
        good = self.cursor(client)
        assert self.skus(client, f"limit=2&cursor={good}") == ["MUG-2", "MUG-3"]
        forged = [good[:-1], good + "x", "x" + good, good.partition(".")[0], "", "x", "a.b", "%00", "%FF", "é", "{}"]
        changed = [
            good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :] for place in range(len(good))
        ]
        last = [good[:-1] + other for other in string.ascii_letters + string.digits + "-_=" if other != good[-1]]
        for cursor in [*forged, *changed, *last]:
            response = client.get(f"/v1/products?limit=2&cursor={cursor}")
            assert response.status_code == 400, cursor
            assert response.json["type"] == "/problems/invalid-cursor"

    @pytest.mark.parametrize("query", ["sort=name", "sort=-sku", "q=mug", "in_stock=true", "min_price=0"])
    def test_a_cursor_is_good_for_its_own_list_alone(self, client: FlaskClient, query: str) -> None:
        cursor = self.cursor(client)
        response = client.get(f"/v1/products?{query}&cursor={cursor}")
        assert (response.status_code, response.json["type"]) == (400, "/problems/invalid-cursor")

    def test_the_size_of_the_pages_may_change_on_the_way(self, client: FlaskClient) -> None:
        assert self.skus(client, f"limit=100&cursor={self.cursor(client)}") == ["MUG-2", "MUG-3", "MUG-4"]

    def test_a_page_that_is_the_same_need_not_be_sent_again(self, client: FlaskClient, database: Any) -> None:
        first = client.get("/v1/products?limit=2")
        assert first.headers["Cache-Control"] == "no-cache"
        condition = {"If-None-Match": first.headers["ETag"]}
        again = client.get("/v1/products?limit=2", headers=condition)
        assert (again.status_code, again.data) == (304, b"")

        database.products.update_one({"_id": "MUG-0"}, {"$set": {"stock": 77}})
        assert client.get("/v1/products?limit=2", headers=condition).json["items"][0]["stock"] == 77


def test_prices_of_all_currencies_are_compared_by_amount(database: Database[Document]) -> None:
    put(database, [a_product("A", price=2), replace(a_product("B"), price=Money(1, "EUR"))])
    query = ProductQuery(sort=ProductSort.PRICE, max_price=2)
    assert [row.sku for page in pages(database, query, 10) for row in page] == ["B", "A"]
