"""One line a request, when ACCESS_LOG asks for it: who asked for what, what came of it, and in which time.

Never the address with what stands in it, a header, or a body: a line has the route's rule, and the order that it was
about.
"""

from time import perf_counter

import structlog
from flask import Flask, Response, g, request

from api.auth import Caller
from api.metrics import STARTED

log = structlog.get_logger(__name__)

PLACED = "/v1/orders/"


def register_access_log(app: Flask) -> None:
    """Before all others: what they do belongs to the time of the request."""
    app.after_request(_write)


def _write(response: Response) -> Response:
    caller: Caller | None = g.get("caller")
    log.info(
        "request",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        milliseconds=round((perf_counter() - request.environ[STARTED]) * 1000, 2),
        subject=caller.subject if caller else None,
        order_id=order_id_of(response),
    )
    return response


def order_id_of(response: Response) -> str | None:
    """The id of an order that was accepted, or named in the address and found."""
    if response.status_code == 202:
        return response.headers.get("Location", "").removeprefix(PLACED) or None
    return (request.view_args or {}).get("order_id") if response.status_code < 400 else None
