"""Products: creating one, and reading it through the cache."""

from typing import Any

import orjson
from flask import Response, request

from api.blueprint import Blueprint
from api.headers import ETAG, IF_NONE_MATCH, LOCATION, X_CACHE
from api.json_response import json_response
from api.resources import resources
from api.schemas import ProductIn, ProductOut
from shared.cache import Entry
from shared.domain.errors import ProductNotFound
from shared.domain.money import Money
from shared.domain.product import SKU_PATTERN, Product
from shared.services.create_product import create_product
from shared.store.products import find_product

blueprint = Blueprint("products", __name__, url_prefix="/v1", description="What can be ordered.")

product_out = ProductOut()


@blueprint.post("/products")
@blueprint.requires("products:write")
@blueprint.arguments(ProductIn())
@blueprint.response(201, ProductOut, headers=LOCATION | ETAG)
def post_product(body: dict[str, Any]) -> Response:
    """Create a product, with its first stock."""
    price = Money(**body.pop("price"))
    product = create_product(resources().database, price=price, **body)
    response = json_response(product_out.dump(product), 201)
    response.headers["Location"] = f"/v1/products/{product.sku}"
    response.set_etag(_etag(product))
    return response


@blueprint.get("/products/<sku>", parameters=[IF_NONE_MATCH])
@blueprint.response(200, ProductOut, headers=ETAG | X_CACHE)
@blueprint.alt_response(304, description="It has not changed since it had the ETag in If-None-Match.")
def get_product(sku: str) -> Response:
    """Read a product. `X-Cache` says whether MongoDB was asked."""
    check_sku(sku)
    entry, hit = resources().product_cache.get_or_load(sku, lambda seconds: _load(sku, seconds))
    response = Response(entry.body, content_type="application/json")
    response.set_etag(entry.etag)
    response.headers["X-Cache"] = "hit" if hit else "miss"
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


def check_sku(sku: str) -> None:
    """No product can have a SKU that is not in its form; no need to look."""
    if not SKU_PATTERN.fullmatch(sku):
        raise ProductNotFound(sku)


def _load(sku: str, within_seconds: float) -> Entry:
    product = find_product(resources().database, sku, within_seconds=within_seconds)
    return Entry(_etag(product), orjson.dumps(product_out.dump(product)))


def _etag(product: Product) -> str:
    return f"v{product.version}"
