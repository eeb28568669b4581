"""JSON out, by orjson."""

from typing import Any

import orjson
from flask import Response


def json_response(body: Any, status: int) -> Response:
    return Response(orjson.dumps(body), status, content_type="application/json")
