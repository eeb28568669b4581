"""Orders: placing one, and looking at it until it is final."""

from datetime import datetime
from operator import itemgetter
from typing import Any

from flask import request

from api.auth import caller
from api.blueprint import Blueprint
from api.contract import refuses, takes
from api.current import notes
from api.headers import ETAG, IF_NONE_MATCH, LOCATION, REPLAYED, RETRY_AFTER
from api.idempotency import ORDER_KEY, REPLAYED_HEADER, idempotency_key
from api.order_body import order_body
from api.prefer import PREFER, PREFERENCE_APPLIED, wait_preferred
from api.products import check_sku
from api.resources import resources
from api.response import Response, json_response
from api.retry_after import retry_after_seconds
from api.schemas import OrderIn, OrderOut, PurchaseIn
from shared.clock import now
from shared.domain.order import Line, Order, Status
from shared.services.accept_orders import OrderRequest
from shared.store.orders import find_order

blueprint = Blueprint("orders", __name__, url_prefix="/v1", description="Placing orders and polling them.")

PACE_SILENT_SECONDS = 5.0
"""Notices are missing then, and what this process reads is the news that it has; no order is news for longer."""

ACCEPTED = "Accepted: it is on disk and will be decided."


def order_asked_for(body: dict[str, Any], key: str | None = None) -> OrderRequest:
    lines = tuple([Line(item["sku"], item["quantity"]) for item in body["items"]])
    return OrderRequest(lines, body["reference"], key)


@blueprint.post("/orders")
@blueprint.requires("orders:write")
@blueprint.limited("orders")
@blueprint.arguments(OrderIn(), remembered_as=order_asked_for)
@blueprint.response(202, OrderOut, description=ACCEPTED, headers=LOCATION | RETRY_AFTER | REPLAYED)
@takes(ORDER_KEY)
@refuses("invalid-header", "idempotency-key-reuse", "queue-too-long")
def place_order(order: OrderRequest) -> Response:
    """Place an order."""
    return _accept(OrderRequest(order.lines, order.reference, idempotency_key()))


@blueprint.post("/products/<sku:sku>/purchase")
@blueprint.requires("orders:write")
@blueprint.limited("orders")
@blueprint.arguments(PurchaseIn(), remembered_as=itemgetter("quantity"))
@blueprint.response(202, OrderOut, description=ACCEPTED, headers=LOCATION | RETRY_AFTER | REPLAYED)
@takes(ORDER_KEY)
@refuses("product-not-found", "invalid-header", "idempotency-key-reuse", "queue-too-long")
def purchase(quantity: int, sku: str) -> Response:
    """Place an order of one line."""
    check_sku(sku)
    return _accept(OrderRequest((Line(sku, quantity),), idempotency_key=idempotency_key()))


@blueprint.get("/orders/<order_id:order_id>")
@blueprint.requires("orders:read")
@blueprint.limited("reads")
@blueprint.response(
    200,
    OrderOut,
    description="Poll it, as often as Retry-After says, until it is not pending.",
    headers=ETAG | RETRY_AFTER | PREFERENCE_APPLIED,
)
@blueprint.alt_response(
    304, description="It has not changed since it had the ETag in If-None-Match.", headers=PREFERENCE_APPLIED
)
@takes(IF_NONE_MATCH, PREFER)
@refuses("order-not-found")
def get_order(order_id: str) -> Response:
    """Look at an order."""
    order = find_order(resources().database, order_id, customer=owner())
    order, waited = _wait_as_preferred(order)
    _learn_pace(order)
    response = order_response(order, 200)
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


def owner() -> str | None:
    """Whose orders the caller may name: their own; None for everybody's."""
    return None if caller().may("ops") else caller().subject


def _accept(order: OrderRequest) -> Response:
    accepted = resources().acceptor.accept(caller().subject, order, request_id=notes().request_id)
    response = accepted_response(accepted.order)
    if accepted.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


def accepted_response(order: Order) -> Response:
    response = order_response(order, 202)
    response.headers.add("Location", f"/v1/orders/{order.order_id}")
    return response


def order_response(order: Order, status: int) -> Response:
    response = json_response(order_body(order), status)
    if order.status is Status.PENDING:
        response.headers.add("Retry-After", retry_after(order.updated_at))
    return response


def retry_after(pending_since: datetime) -> str:
    age_seconds = (now() - pending_since).total_seconds()
    return str(retry_after_seconds(age_seconds, resources().pace.estimate_seconds()))


def _learn_pace(order: Order) -> None:
    """From what is read, while no notices are heard; no order is news for longer."""
    pace = resources().pace
    age_seconds = (now() - order.updated_at).total_seconds()
    if order.status is not Status.PENDING and age_seconds < PACE_SILENT_SECONDS < pace.silent_seconds():
        decided = order.history[1] if len(order.history) > 1 else order.history[0]
        if decided.status is not Status.CANCELLED:
            pace.observe((decided.at - order.created_at).total_seconds())
