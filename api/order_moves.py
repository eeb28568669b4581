"""Moving an order on by hand: cancelling it, retrying it."""

from api.auth import caller
from api.blueprint import Blueprint
from api.contract import refuses
from api.headers import LOCATION, RETRY_AFTER
from api.orders import accepted_response, order_response, owner
from api.resources import resources
from api.response import Response
from api.schemas import OrderOut
from shared.services.cancel_order import cancel_order
from shared.services.retry_order import retry_order

blueprint = Blueprint(
    "order moves", __name__, url_prefix="/v1/orders/<order_id:order_id>", description="Cancelling, retrying."
)


@blueprint.post("/cancel")
@blueprint.requires("orders:write")
@blueprint.limited("orders")
@blueprint.response(200, OrderOut, description="It is cancelled, now or before.")
@refuses("order-not-found", "order-not-cancellable")
def post_cancel(order_id: str) -> Response:
    """Cancel an order that is pending or confirmed; what it took comes back to stock."""
    order = cancel_order(
        resources().database,
        resources().product_cache,
        resources().finished_orders,
        order_id,
        customer=owner(),
        by=caller().subject,
    )
    return order_response(order, 200)


@blueprint.post("/retry")
@blueprint.requires("ops")
@blueprint.limited("orders")
@blueprint.response(202, OrderOut, description="It is pending again.", headers=LOCATION | RETRY_AFTER)
@refuses("order-not-found", "order-not-retryable")
def post_retry(order_id: str) -> Response:
    """Have a failed order processed again."""
    order = retry_order(
        resources().database,
        resources().announcer,
        resources().settings.shared,
        order_id,
        by=caller().subject,
    )
    return accepted_response(order)
