"""Stock: adjusting it by hand, and its ledger."""

from typing import Any

from api.auth import caller
from api.blueprint import Blueprint
from api.contract import refuses, takes
from api.headers import LINK, REPLAYED
from api.idempotency import ADJUSTMENT_KEY, REPLAYED_HEADER, idempotency_key
from api.paging import page_response, position_in_request
from api.products import check_sku
from api.resources import resources
from api.response import Response, json_response
from api.schemas import AdjustmentIn, MovementOut, MovementPageOut, PageIn
from shared.domain.errors import ProductNotFound
from shared.services.adjust_stock import adjust_stock
from shared.store.documents import movement_from
from shared.store.movements import list_movements
from shared.store.products import product_exists

blueprint = Blueprint("stock", __name__, url_prefix="/v1/products/<sku:sku>", description="Stock and its ledger.")

movement_out = MovementOut()


@blueprint.post("/stock-adjustments")
@blueprint.requires("stock:write")
@blueprint.limited("catalogue")
@blueprint.arguments(AdjustmentIn())
@blueprint.response(201, MovementOut, headers=REPLAYED)
@takes(ADJUSTMENT_KEY)
@refuses("product-not-found", "stock-out-of-range", "invalid-header", "idempotency-key-reuse")
def post_adjustment(body: dict[str, Any], sku: str) -> Response:
    """Adjust the stock of a product by a difference."""
    check_sku(sku)
    adjusted = adjust_stock(
        resources().database,
        resources().product_cache,
        sku,
        delta=body["delta"],
        reason=body["reason"],
        by=caller().subject,
        idempotency_key=idempotency_key(),
    )
    response = json_response(movement_out.dump(adjusted.movement), 201)
    if adjusted.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


@blueprint.get("/stock-movements")
@blueprint.requires("stock:write")
@blueprint.limited("reads")
@blueprint.arguments(PageIn(), location="query")
@blueprint.response(200, MovementPageOut, headers=LINK)
@refuses("product-not-found", "invalid-cursor")
def get_movements(arguments: dict[str, Any], sku: str) -> Response:
    """Read the ledger of a product, newest first; that of an archived one too."""
    check_sku(sku)
    position = position_in_request(arguments)
    page = list_movements(resources().database, sku, after=position, limit=arguments["limit"])
    if not page.rows and not product_exists(resources().database, sku):
        raise ProductNotFound(sku)
    return page_response([movement_out.dump(movement_from(row)) for row in page.rows], page.next)
