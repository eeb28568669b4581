"""Reading one product."""

import pytest

from shared.clock import now
from shared.domain.errors import ProductNotFound
from shared.store.documents import product_document
from shared.store.products import find_product
from tests.builders import a_product


def test_a_product_is_found_by_its_sku(database):
    product = a_product("MUG-01")
    database.products.insert_many([product_document(product), product_document(a_product("MUG-02"))])
    assert find_product(database, "MUG-01") == product


@pytest.mark.parametrize("sku", ["MUG-02", "mug-01", ""])
def test_an_unknown_product_is_not_found(database, sku):
    database.products.insert_one(product_document(a_product("MUG-01")))
    with pytest.raises(ProductNotFound) as refusal:
        find_product(database, sku)
    assert refusal.value.sku == sku


def test_an_archived_product_is_not_found(database):
    database.products.insert_one(product_document(a_product("MUG-01", archived_at=now())))
    with pytest.raises(ProductNotFound):
        find_product(database, "MUG-01")
