"""Orders: placing one, and looking at it until it is final."""

from collections.abc import Iterable
from typing import Any

from flask import Response, request

from api.auth import caller
from api.blueprint import Blueprint
from api.headers import ETAG, IF_NONE_MATCH, LOCATION, REPLAYED, RETRY_AFTER
from api.idempotency import ORDER_KEY, REPLAYED_HEADER, idempotency_key
from api.json_response import json_response
from api.prefer import PREFER, PREFERENCE_APPLIED, wait_preferred
from api.products import check_sku
from api.resources import resources
from api.retry_after import retry_after_seconds
from api.schemas import OrderIn, OrderOut, PurchaseIn
from shared.clock import now
from shared.domain.errors import OrderNotFound
from shared.domain.order import Line, Order, Status
from shared.store.orders import find_order

blueprint = Blueprint("orders", __name__, url_prefix="/v1", description="Placing orders and polling them.")

PACE_SILENT_SECONDS = 5.0
"""Notices are missing then, and what this process reads is the news that it has; no order is news for longer."""

ACCEPTED = "Accepted: it is on disk and will be decided."
order_out = OrderOut()


@blueprint.post("/orders", parameters=[ORDER_KEY])
@blueprint.requires("orders:write")
@blueprint.arguments(OrderIn())
@blueprint.response(202, OrderOut, description=ACCEPTED, headers=LOCATION | RETRY_AFTER | REPLAYED)
def place_order(body: dict[str, Any]) -> Response:
    """Place an order."""
    lines = (Line(item["sku"], item["quantity"]) for item in body["items"])
    return _accept(lines, reference=body["reference"])


@blueprint.post("/products/<sku>/purchase", parameters=[ORDER_KEY])
@blueprint.requires("orders:write")
@blueprint.arguments(PurchaseIn())
@blueprint.response(202, OrderOut, description=ACCEPTED, headers=LOCATION | RETRY_AFTER | REPLAYED)
def purchase(body: dict[str, Any], sku: str) -> Response:
    """Place an order of one line."""
    check_sku(sku)
    return _accept([Line(sku, body["quantity"])], reference=None)


@blueprint.get("/orders/<order_id>", parameters=[IF_NONE_MATCH, PREFER])
@blueprint.requires("orders:read")
@blueprint.response(
    200,
    OrderOut,
    description="Poll it, as often as Retry-After says, until it is not pending.",
    headers=ETAG | RETRY_AFTER | PREFERENCE_APPLIED,
)
@blueprint.alt_response(
    304, description="It has not changed since it had the ETag in If-None-Match.", headers=PREFERENCE_APPLIED
)
def get_order(order_id: str) -> Response:
    """Look at an order."""
    order = find_order(resources().database, order_id)
    if order.customer != caller().subject and not caller().may("ops"):
        raise OrderNotFound(order_id)
    order, waited = _wait_as_preferred(order)
    response = _order_response(order, 200)
    response.headers["Cache-Control"] = "private, no-cache"
    if waited:
        response.headers["Preference-Applied"] = f"wait={waited}"
    response.set_etag(f"{order.status.value}-{len(order.history)}")
    response.make_conditional(request)
    return response


def _wait_as_preferred(order: Order) -> tuple[Order, int | None]:
    """The order when it is final or the time is over, and the seconds that were preferred, if that was done."""
    seconds = wait_preferred()
    if seconds is None or order.status is not Status.PENDING:
        return order, seconds
    database = resources().database
    order, done = resources().waiting_room.wait_until_final(
        order, lambda: find_order(database, order.order_id), seconds=seconds
    )
    return order, seconds if done else None


def _accept(lines: Iterable[Line], *, reference: str | None) -> Response:
    accepted = resources().acceptor.accept(
        caller().subject, lines, reference=reference, idempotency_key=idempotency_key()
    )
    response = _order_response(accepted.order, 202)
    response.headers["Location"] = f"/v1/orders/{accepted.order.order_id}"
    if accepted.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


def _order_response(order: Order, status: int) -> Response:
    response = json_response(order_out.dump(order), status)
    pace = resources().pace
    if order.status is Status.PENDING:
        age_seconds = (now() - order.created_at).total_seconds()
        response.headers["Retry-After"] = str(retry_after_seconds(age_seconds, pace.estimate_seconds()))
    elif pace.silent_seconds() > PACE_SILENT_SECONDS > (now() - order.updated_at).total_seconds():
        decided_at = order.history[1].at if len(order.history) > 1 else order.updated_at
        pace.observe((decided_at - order.created_at).total_seconds())
    return response
