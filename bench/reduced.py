"""The API without one of its features, for what it costs: the product itself has no switch for these.

What starts it is `bench.reduced_process`.
"""

import inspect

import orjson
from flask import Flask, Response, request

from api import auth
from api.auth import Caller, require_scope
from api.limits import limited, limited_when_unauthorized
from api.orders import order_asked_for

PLACE_ORDER = "orders.place_order"
"""The endpoint of POST /v1/orders."""

SIGNATURE_CHARACTERS = 24


def believe_tokens() -> None:
    """In all this process: whoever has a token may place orders, under a name that is as long as a subject."""
    scopes = frozenset({"orders:read", "orders:write"})
    auth.authenticate = lambda authorization: Caller(authorization[-SIGNATURE_CHARACTERS:], scopes)


def skip_validation(app: Flask) -> None:
    """The view itself, with its token and its limit, on the body as it is parsed; no schema, no machinery of routes."""
    place_order = inspect.unwrap(app.view_functions[PLACE_ORDER])

    def on_parsed_body() -> Response:
        response: Response = place_order(order_asked_for({"reference": None, **orjson.loads(request.get_data())}))
        return response

    with_limit = limited("orders", on_parsed_body)
    app.view_functions[PLACE_ORDER] = limited_when_unauthorized(require_scope("orders:write")(with_limit))
