"""The one place that decides what a client sees of an error: problem details, RFC 9457, and nothing internal.

The table is the whole list of problem types. Each is served at its own address, `/problems/<slug>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, g
from werkzeug.exceptions import HTTPException

from api.response import Response
from api.retry_after import retry_after_seconds
from shared.domain.errors import (
    IdempotencyKeyReuse,
    OrderNotCancellable,
    OrderNotFound,
    OrderNotRetryable,
    OrderProcessorError,
    ProductNotFound,
    QueueTooLong,
    SkuTaken,
    StockOutOfRange,
    Unavailable,
    VersionConflict,
)
from shared.metrics import UNEXPECTED_ERRORS

PROBLEM_JSON = "application/problem+json"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProblemType:
    status: int
    title: str


PROBLEM_TYPES: dict[str, ProblemType] = {
    "malformed-json": ProblemType(400, "The body is not JSON"),
    "incomplete-body": ProblemType(400, "The body was cut off"),
    "invalid-request": ProblemType(400, "The request does not fit its schema"),
    "malformed-file": ProblemType(400, "The file can't be imported"),
    "malformed-row": ProblemType(400, "The row can't be read"),
    "invalid-row": ProblemType(400, "The row does not fit its schema"),
    "invalid-header": ProblemType(400, "A header is not in its form"),
    "invalid-cursor": ProblemType(400, "The cursor is not good for this list"),
    "unauthorized": ProblemType(401, "A valid bearer token is needed"),
    "insufficient-scope": ProblemType(403, "The token lacks a scope"),
    "not-found": ProblemType(404, "There is nothing at this address"),
    "product-not-found": ProblemType(404, "There is no such product"),
    "order-not-found": ProblemType(404, "There is no such order"),
    "method-not-allowed": ProblemType(405, "This address does not take this method"),
    "not-acceptable": ProblemType(406, "There is no answer in a media type that is accepted"),
    "sku-repeated": ProblemType(409, "An earlier row has the same SKU"),
    "product-archived": ProblemType(409, "The product is archived"),
    "sku-taken": ProblemType(409, "The SKU is taken"),
    "stock-out-of-range": ProblemType(409, "The stock can't be that"),
    "order-not-cancellable": ProblemType(409, "The order can't be cancelled any more"),
    "order-not-retryable": ProblemType(409, "The order can't be retried"),
    "length-required": ProblemType(411, "The body must come with its length"),
    "precondition-failed": ProblemType(412, "It has changed since it was read"),
    "body-too-large": ProblemType(413, "The body is too large"),
    "unsupported-media-type": ProblemType(415, "The body is of another media type than is taken here"),
    "idempotency-key-reuse": ProblemType(422, "The idempotency key was used for another request"),
    "precondition-required": ProblemType(428, "The request must say what it would change"),
    "rate-limited": ProblemType(429, "The limit of requests is spent"),
    "http-error": ProblemType(400, "The request can't be served"),
    "internal-error": ProblemType(500, "Something went wrong on our side"),
    "unavailable": ProblemType(503, "Try again soon"),
    "queue-too-long": ProblemType(503, "Too many orders wait to be decided"),
}

BY_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    411: "length-required",
    413: "body-too-large",
    415: "unsupported-media-type",
}
"""The types of the refusals that come from Werkzeug."""


NO_SUCH_ADDRESS = "Every address that there is stands in /openapi.json."


@dataclass
class Problem(Exception):
    """Raised by the API's own code, and what every other error is turned into. `members` are the type's own."""

    slug: str
    detail: str
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(OrderProcessorError, lambda error: problem_response(problem_from(error)))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def problem_response(problem: Problem, *, status: int | None = None) -> Response:
    body = problem_body(problem, status=status)
    return Response(orjson.dumps(body), body["status"], problem.headers, content_type=PROBLEM_JSON)


def problem_body(problem: Problem, *, status: int | None = None) -> dict[str, Any]:
    problem_type = PROBLEM_TYPES[problem.slug]
    return {
        "type": f"/problems/{problem.slug}",
        "title": problem_type.title,
        "status": status or problem_type.status,
        "detail": problem.detail,
        "request_id": g.request_id,
        **problem.members,
    }


def problem_from(error: Exception) -> Problem:
    match error:
        case ProductNotFound(sku=sku):
            return Problem("product-not-found", f"No product has the SKU {sku}.", {"sku": sku})
        case OrderNotFound(order_id=order_id):
            return Problem("order-not-found", "There is no such order, or it is not yours.", {"order_id": order_id})
        case SkuTaken(sku=sku):
            return Problem("sku-taken", f"A product, possibly an archived one, has the SKU {sku}.", {"sku": sku})
        case VersionConflict(sku=sku):
            detail = f"The product {sku} is not as If-Match says. Read it again, and decide again."
            return Problem("precondition-failed", detail, {"sku": sku})
        case StockOutOfRange(sku=sku, stock=stock, delta=delta):
            detail = f"The stock of {sku} is {stock}: {delta:+} would make it {stock + delta}."
            return Problem("stock-out-of-range", detail, {"sku": sku, "stock": stock, "delta": delta})
        case OrderNotCancellable(order_id=order_id, status=status):
            detail = f"It is {status}; only a pending or a confirmed order can be cancelled."
            return Problem("order-not-cancellable", detail, {"order_id": order_id, "order_status": status})
        case OrderNotRetryable(order_id=order_id, status=status):
            detail = f"It is {status}; only a failed order can be retried."
            return Problem("order-not-retryable", detail, {"order_id": order_id, "order_status": status})
        case IdempotencyKeyReuse():
            detail = "This Idempotency-Key came with another request before. Use a new key for a new order."
            return Problem("idempotency-key-reuse", detail)
        case QueueTooLong(waited_seconds=waited, limit_seconds=limit):
            detail = f"The oldest pending order has waited for {waited:.0f} s, and none is accepted above {limit} s."
            members = {"oldest_pending_seconds": round(waited), "limit_seconds": limit}
            retry_after = {"Retry-After": str(retry_after_seconds(waited, 0.0))}
            return Problem("queue-too-long", detail, members, retry_after)
        case Unavailable(retry_after_seconds=seconds):
            log.warning("unavailable", what=error.what, cause=repr(error.__cause__), request_id=g.request_id)
            detail = f"The order processor can't serve this now. Try again in {seconds} s."
            return Problem("unavailable", detail, headers={"Retry-After": str(seconds)})
    return _internal_error(error)


def _http_error(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse themselves; its headers, such as Allow, are kept."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    slug = BY_STATUS.get(status, "http-error")
    detail = NO_SUCH_ADDRESS if status == HTTPStatus.NOT_FOUND else error.description
    problem = Problem(slug, detail or PROBLEM_TYPES[slug].title, headers=headers)
    return problem_response(problem, status=status)


def _unexpected(error: Exception) -> Response:
    return problem_response(_internal_error(error))


def _internal_error(error: Exception) -> Problem:
    UNEXPECTED_ERRORS.inc()
    log.error("unexpected error", request_id=g.request_id, exc_info=error)
    return Problem("internal-error", "The error was logged under this request_id.")
