"""Every request has an id, the caller's own when it is well formed; it is in the answer and in every log line."""

import re

import structlog
import uuid_utils
from flask import Flask, Response

from api.current import header, notes

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}")


def register_request_id(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = header(HEADER) or ""
    # The standard library's has the kernel make it, and meanwhile another thread takes the interpreter's lock.
    request_id = given if WELL_FORMED.fullmatch(given) else uuid_utils.uuid4().hex
    notes().request_id = request_id
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def _end(response: Response) -> Response:
    response.headers.add(HEADER, notes().request_id)
    return response
