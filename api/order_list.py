"""The list of orders: one's own, or everybody's for operators."""

from collections.abc import Iterable, Iterator
from typing import Any

import structlog

from api.auth import caller, insufficient_scope
from api.blueprint import Blueprint
from api.contract import refuses
from api.headers import LINK
from api.order_body import order_body
from api.paging import page_response, position_in_request
from api.resources import resources
from api.response import Response
from api.schemas import OrderListIn, OrderPageOut
from shared.domain.errors import OrderUnreadable
from shared.domain.order import Order
from shared.store.connection import Document
from shared.store.documents import order_from
from shared.store.order_list import OrderQuery, list_orders

log = structlog.get_logger(__name__)

blueprint = Blueprint("order list", __name__, url_prefix="/v1", description="Finding orders again.")


@blueprint.get("/orders")
@blueprint.requires("orders:read")
@blueprint.limited("reads")
@blueprint.arguments(OrderListIn(), location="query")
@blueprint.response(200, OrderPageOut, headers=LINK)
@refuses("invalid-cursor")
def get_orders(arguments: dict[str, Any]) -> Response:
    """List one's own orders, the last accepted first; with the scope ops those of all customers, or of one."""
    position = position_in_request(arguments)
    page = list_orders(resources().database, _query(arguments), after=position, limit=arguments["limit"])
    response = page_response([order_body(order) for order in _readable(page.rows)], page.next)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _readable(rows: Iterable[Document]) -> Iterator[Order]:
    """One that can't be read does not keep the others from being shown."""
    for row in rows:
        try:
            yield order_from(row)
        except OrderUnreadable as error:
            log.error("order not readable", order_id=error.order_id, error=error.what)


def _query(arguments: dict[str, Any]) -> OrderQuery:
    customer = arguments["customer"]
    if not caller().may("ops"):
        if customer not in (None, caller().subject):
            raise insufficient_scope("ops")
        customer = caller().subject
    return OrderQuery(
        customer=customer,
        status=arguments["status"],
        sku=arguments["sku"],
        created_after=arguments["created_after"],
        created_before=arguments["created_before"],
    )
