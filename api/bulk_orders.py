"""Many orders in one request: one insert, one message, and a result for each."""

from typing import Any

from flask import g
from marshmallow import ValidationError

from api.auth import caller
from api.blueprint import Blueprint, invalid_request, messages_of
from api.contract import refuses
from api.headers import RETRY_AFTER
from api.idempotency import bare_key, refuse_idempotency_key
from api.limits import spend
from api.order_body import order_body
from api.orders import order_asked_for, retry_after
from api.problems import problem_body, problem_from
from api.resources import resources
from api.response import Response, json_response
from api.schemas import BulkIn, BulkOut
from shared.clock import now
from shared.services.accept_orders import Accepted, OrderRequest

blueprint = Blueprint("bulk", __name__, url_prefix="/v1", description="Placing many orders in one request.")


@blueprint.post("/orders/bulk")
@blueprint.requires("orders:write")
@blueprint.limited("orders")
@blueprint.arguments(BulkIn())
@blueprint.response(202, BulkOut, description="Each entry was accepted or refused by itself.", headers=RETRY_AFTER)
@refuses("invalid-header", "queue-too-long")
def place_orders(body: dict[str, Any]) -> Response:
    """Place up to 1,000 orders."""
    refuse_idempotency_key()
    entries = body["orders"]
    spend("orders", cost=len(entries) - 1)
    requests = [_request(entry) for entry in entries if isinstance(entry, dict)]
    outcomes = resources().acceptor.accept_all(caller().subject, requests, request_id=g.request_id)
    rest = iter(outcomes)
    results = [_result(next(rest) if isinstance(entry, dict) else entry) for entry in entries]
    response = json_response({"results": results}, 202)
    if any(isinstance(outcome, Accepted) for outcome in outcomes):
        response.headers["Retry-After"] = retry_after(now())
    return response


def _request(entry: dict[str, Any]) -> OrderRequest:
    key = entry["idempotency_key"]
    return order_asked_for(entry, bare_key(key) if key else None)


def _result(outcome: Accepted | Exception) -> dict[str, Any]:
    if isinstance(outcome, Accepted):
        return {"order": order_body(outcome.order), "replayed": outcome.replayed}
    if isinstance(outcome, ValidationError):
        return {"problem": problem_body(invalid_request(messages_of(outcome)))}
    return {"problem": problem_body(problem_from(outcome))}
