"""Products: creating, reading through the cache, listing, changing and archiving them."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import request

from api.auth import caller
from api.blueprint import Blueprint
from api.contract import refuses, takes
from api.current import header
from api.entity_tags import etag_of, versions_in_if_match
from api.headers import ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, X_CACHE
from api.paging import page_response, position_in_request
from api.resources import resources
from api.response import Response, json_response
from api.schemas import ProductIn, ProductListIn, ProductOut, ProductPageOut, ProductPatchIn
from shared.domain.catalogue import ProductQuery, ProductSort
from shared.domain.errors import ProductNotFound
from shared.domain.money import Money
from shared.domain.product import SKU_PATTERN
from shared.local_copies import Entry
from shared.metrics import CACHE_READS
from shared.services.create_product import create_product
from shared.services.edit_product import archive_product, edit_product
from shared.store.catalogue import list_products
from shared.store.documents import product_from
from shared.store.products import find_product

blueprint = Blueprint("products", __name__, url_prefix="/v1", description="What can be ordered.")

product_out = ProductOut()


@blueprint.post("/products")
@blueprint.requires("products:write")
@blueprint.limited("catalogue")
@blueprint.arguments(ProductIn())
@blueprint.response(201, ProductOut, headers=LOCATION | ETAG)
@refuses("sku-taken")
def post_product(body: dict[str, Any]) -> Response:
    """Create a product, with its first stock."""
    price = Money(**body.pop("price"))
    product = create_product(resources().database, by=caller().subject, price=price, **body)
    response = json_response(product_out.dump(product), 201)
    response.headers["Location"] = f"/v1/products/{product.sku}"
    response.set_etag(etag_of(product))
    return response


@blueprint.get("/products/<sku:sku>")
@blueprint.limited("reads")
@blueprint.response(200, ProductOut, headers=ETAG | X_CACHE)
@blueprint.alt_response(304, description="It has not changed since it had the ETag in If-None-Match.")
@takes(IF_NONE_MATCH)
@refuses("product-not-found")
def get_product(sku: str) -> Response:
    """Read a product. X-Cache says whether MongoDB was asked."""
    check_sku(sku)
    entry, hit = resources().product_cache.get_or_load(sku, lambda seconds: _load(sku, seconds))
    CACHE_READS["hit" if hit else "miss"].inc()
    response = Response(entry.body, headers=_headers(entry, hit))  # all at once: half as long as one by one
    if header("If-None-Match") is not None or header("If-Match") is not None:
        response.make_conditional(request)
    return response


@blueprint.get("/products")
@blueprint.limited("reads")
@blueprint.arguments(ProductListIn(), location="query")
@blueprint.response(200, ProductPageOut, headers=ETAG | LINK)
@blueprint.alt_response(304, description="The page has not changed since it had the ETag in If-None-Match.")
@takes(IF_NONE_MATCH)
@refuses("invalid-cursor")
def get_products(arguments: dict[str, Any]) -> Response:
    """List products, a page at a time. Rows that come and go meanwhile shift no other row."""
    position = position_in_request(arguments)
    page = list_products(resources().database, _query(arguments), after=position, limit=arguments["limit"])
    response = page_response([product_out.dump(product_from(row)) for row in page.rows], page.next)
    response.add_etag()
    return _revalidated(response)


@blueprint.patch("/products/<sku:sku>")
@blueprint.requires("products:write")
@blueprint.limited("catalogue")
@blueprint.arguments(ProductPatchIn())
@blueprint.response(200, ProductOut, headers=ETAG)
@takes(IF_MATCH)
@refuses("product-not-found", "precondition-failed", "precondition-required")
def patch_product(body: dict[str, Any], sku: str) -> Response:
    """Change what is given of a product. Its stock is not set here: see stock-adjustments."""
    check_sku(sku)
    if "price" in body:
        body["price"] = Money(**body["price"])
    versions = versions_in_if_match()
    product = edit_product(resources().database, resources().product_cache, sku, body, versions=versions)
    response = json_response(product_out.dump(product), 200)
    response.set_etag(etag_of(product))
    return response


@blueprint.delete("/products/<sku:sku>")
@blueprint.requires("products:write")
@blueprint.limited("catalogue")
@blueprint.response(204, description="It is archived.")
@takes(IF_MATCH)
@refuses("product-not-found", "precondition-failed", "precondition-required")
def delete_product(sku: str) -> Response:
    """Archive a product: gone from reads and not orderable; its orders and its ledger stay."""
    check_sku(sku)
    archive_product(resources().database, resources().product_cache, sku, versions=versions_in_if_match())
    return Response(status=204)


def check_sku(sku: str) -> None:
    """No product can have a SKU that is not in its form; no need to look."""
    if not SKU_PATTERN.fullmatch(sku):
        raise ProductNotFound(sku)


def _headers(entry: Entry, hit: bool) -> list[tuple[str, str]]:
    """As `_revalidated` has it, too."""
    return [
        ("Content-Type", "application/json"),
        ("ETag", f'"{entry.etag}"'),
        ("X-Cache", "hit" if hit else "miss"),
        ("Cache-Control", "no-cache"),
    ]


def _load(sku: str, within_seconds: float) -> Entry:
    product = find_product(resources().database, sku, within_seconds=within_seconds)
    return Entry(etag_of(product), orjson.dumps(product_out.dump(product)))


def _query(arguments: Mapping[str, Any]) -> ProductQuery:
    sort: str = arguments["sort"]
    return ProductQuery(
        text=arguments["q"],
        min_price=arguments["min_price"],
        max_price=arguments["max_price"],
        in_stock=arguments["in_stock"],
        low_stock=arguments["low_stock"],
        sort=ProductSort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
    )


def _revalidated(response: Response) -> Response:
    """Whoever keeps it asks before using it again, and is told 304 while it is the same."""
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
