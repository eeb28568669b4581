"""The API without one of its features, for what it costs: the product itself has no switch for these.

python -m bench.reduced without_token
"""

import inspect
import os
import sys

import orjson
from flask import Flask, Response, request

from api import auth
from api.app import make_app
from api.auth import Caller, require_scope
from api.limits import limited, limited_when_unauthorized
from api.settings import load_api_settings
from shared.startup import allow_many_files, load_or_refuse, prepare_database_or_refuse

PLACE_ORDER = "orders.place_order"
"""The endpoint of POST /v1/orders."""

SIGNATURE_CHARACTERS = 24


def without_token() -> Flask:
    believe_tokens()
    return make_app()


def without_validation() -> Flask:
    return skip_validation(make_app())


def believe_tokens() -> None:
    """In all this process: whoever has a token may place orders, under a name that is as long as a subject."""
    scopes = frozenset({"orders:read", "orders:write"})
    auth.authenticate = lambda authorization: Caller(authorization[-SIGNATURE_CHARACTERS:], scopes)


def skip_validation(app: Flask) -> Flask:
    """The view itself, with its token and its limit, on the body as it is parsed; no schema, no machinery of routes."""
    place_order = inspect.unwrap(app.view_functions[PLACE_ORDER])

    def on_parsed_body() -> Response:
        response: Response = place_order({"reference": None, **orjson.loads(request.get_data())})
        return response

    with_limit = limited("orders", on_parsed_body)
    app.view_functions[PLACE_ORDER] = limited_when_unauthorized(require_scope("orders:write")(with_limit))
    return app


def main() -> None:
    """As the API does it, with another factory."""
    from api.__main__ import granian_command  # not above: whoever imports this module must not have run that one

    settings = load_or_refuse("api", load_api_settings)
    prepare_database_or_refuse("api", settings.shared.mongo_url)
    allow_many_files()
    command = [*granian_command(settings)[:-1], f"bench.reduced:{sys.argv[1]}"]
    os.execv(command[0], command)  # noqa: S606 - no shell wanted: every argument is ours


if __name__ == "__main__":
    main()
