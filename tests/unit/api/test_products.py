"""Creating products, and reading them through the cache."""

from collections.abc import Callable

import pytest

from shared.clock import now
from shared.domain.errors import SkuTaken
from shared.domain.money import Money
from shared.domain.product import Product
from shared.local_copies import GOOD_SECONDS
from shared.store.documents import product_document
from tests.builders import a_product, bearer
from tests.standing_clock import standing_clock

BODY = {"sku": "MUG-01", "name": "A mug", "price": {"amount": 12_500, "currency": "IDR"}, "stock": 10}
PATH = "/v1/products/MUG-01"


@pytest.fixture
def store(database) -> Callable[[Product], None]:
    return lambda product: database.products.insert_one(product_document(product))


def as_json(product: Product) -> dict[str, object]:
    return {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": {"amount": product.price.amount, "currency": product.price.currency},
        "stock": product.stock,
        "low_stock_threshold": product.low_stock_threshold,
        "low_stock": product.low_stock,
        "created_at": product.created_at.isoformat(),
        "updated_at": product.updated_at.isoformat(),
    }


def test_a_product_is_answered_exactly_as_it_is_stored(client, store):
    product = a_product("MUG-01", stock=3, description="Blue.")
    store(product)
    response = client.get(PATH)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.json == as_json(product)
    assert response.headers["ETag"] == '"v1"'


def test_the_first_read_misses_the_cache_and_the_second_one_hits_it(client, store):
    store(a_product("MUG-01"))
    first, second = client.get(PATH), client.get(PATH)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "hit")
    assert (first.data, first.headers["ETag"]) == (second.data, second.headers["ETag"])


def test_a_hit_does_not_ask_mongodb(client, store, database):
    store(a_product("MUG-01"))
    first = client.get(PATH)
    database.products.delete_many({})
    assert client.get(PATH).data == first.data


def test_hits_are_one_question_to_redis_in_some_milliseconds_and_nothing_is_serialised_again(
    client, store, redis, monkeypatch
):
    clock = standing_clock(monkeypatch)
    store(a_product("MUG-01"))
    for _ in range(3):
        client.get(PATH)
        clock.seconds += GOOD_SECONDS
    monkeypatch.setattr("api.products.product_out", None)
    questions = []
    execute = redis.execute_command
    monkeypatch.setattr(
        redis, "execute_command", lambda *args, **options: questions.append(args[0]) or execute(*args, **options)
    )
    for _ in range(100):
        response = client.get(PATH)
        assert (response.status_code, response.headers["X-Cache"]) == (200, "hit")
    assert questions == ["EVALSHA"]


def test_without_redis_a_product_is_read_from_mongodb(client, store, redis_server):
    store(a_product("MUG-01"))
    redis_server.connected = False
    assert [client.get(PATH).headers["X-Cache"] for _ in "12"] == ["miss", "miss"]


@pytest.mark.parametrize("sent", ['"v1"', 'W/"v1"', '"x", "v1"', "*"])
def test_a_product_that_has_not_changed_is_not_sent_again(client, store, sent):
    store(a_product("MUG-01"))
    response = client.get(PATH, headers={"If-None-Match": sent})
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == '"v1"'


def test_a_hit_answers_a_conditional_request_too(client, store, database):
    store(a_product("MUG-01"))
    etag = client.get(PATH).headers["ETag"]
    database.products.delete_many({})
    response = client.get(PATH, headers={"If-None-Match": etag})
    assert (response.status_code, response.data, response.headers["X-Cache"]) == (304, b"", "hit")
    assert (response.headers["ETag"], response.headers["Cache-Control"]) == (etag, "no-cache")
    assert client.get(PATH, headers={"If-None-Match": '"v0"'}).status_code == 200


def test_a_product_that_has_changed_is_sent_again(client, store):
    store(a_product("MUG-01", version=2))
    response = client.get(PATH, headers={"If-None-Match": '"v1"'})
    assert (response.status_code, response.headers["ETag"]) == (200, '"v2"')


def test_a_read_that_is_only_wanted_of_another_version_is_refused(client, store):
    store(a_product("MUG-01"))
    assert client.get(PATH, headers={"If-Match": '"v0"'}).status_code == 412
    assert client.get(PATH, headers={"If-Match": '"v1"'}).status_code == 200


def test_caches_on_the_way_must_ask_again(client, store):
    store(a_product("MUG-01"))
    assert client.get(PATH).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("sku", ["ghost", "mug-01", "-MUG", "MUG%0A", "%00", "%7B%7D", "M" * 65])
def test_what_is_not_there_or_no_sku_is_not_found_and_nothing_is_cached(client, store, redis, sku):
    store(a_product("MUG-01"))
    response = client.get(f"/v1/products/{sku}")
    assert response.status_code == 404
    assert response.json["type"] == "/problems/product-not-found"
    assert redis.keys("product:*") == []


def test_what_is_no_sku_is_not_even_looked_for(client, store):
    store(a_product("-MUG"))
    assert client.get("/v1/products/-MUG").status_code == 404


def test_an_archived_product_is_not_found(client, store):
    store(a_product("MUG-01", archived_at=now()))
    assert client.get(PATH).status_code == 404


def test_a_product_that_appears_after_a_miss_is_found(client, store):
    assert client.get(PATH).status_code == 404
    store(a_product("MUG-01"))
    assert client.get(PATH).status_code == 200


@pytest.fixture
def created(monkeypatch) -> list[dict[str, object]]:
    """What the view asked to be created. The creating needs a transaction: see tests/integration."""
    created: list[dict[str, object]] = []

    def create(_database: object, **fields: object) -> Product:
        if fields["sku"] == "TAKEN":
            raise SkuTaken("TAKEN")
        created.append(fields)
        return a_product("MUG-01", stock=10)

    monkeypatch.setattr("api.products.create_product", create)
    return created


def test_a_created_product_is_answered_with_its_address_and_entity_tag(client, created):
    response = client.post("/v1/products", json=BODY, headers=bearer(scope="products:write"))
    assert response.status_code == 201
    assert response.headers["Location"] == PATH
    assert response.headers["ETag"] == '"v1"'
    assert (response.json["sku"], response.json["stock"]) == ("MUG-01", 10)
    price = Money(12_500, "IDR")
    assert created == [{**BODY, "by": "alice", "description": None, "low_stock_threshold": None, "price": price}]


def test_a_sku_that_is_taken_is_refused(client, created):
    response = client.post("/v1/products", json={**BODY, "sku": "TAKEN"}, headers=bearer(scope="products:write"))
    assert response.status_code == 409
    assert response.json["type"] == "/problems/sku-taken"
    assert response.json["sku"] == "TAKEN"
    assert created == []


def test_a_product_that_does_not_fit_its_schema_is_not_created(client, created):
    response = client.post("/v1/products", json={**BODY, "stock": -1}, headers=bearer(scope="products:write"))
    assert response.status_code == 400
    assert list(response.json["errors"]) == ["stock"]
    assert created == []
