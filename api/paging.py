"""Pages of a list: where one ends is a signed text, the cursor, which is good for the same list alone."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import request
from itsdangerous import BadData, URLSafeSerializer

from api.problems import Problem
from api.resources import resources
from api.response import Response, json_response
from shared.store.pages import Position


def position_in_request(arguments: Mapping[str, Any]) -> Position | None:
    """Where the page begins; None for the first. Raises `Problem` for a cursor that was not made for this list."""
    cursor = arguments["cursor"]
    if cursor is None:
        return None
    try:
        content = _signer().loads(cursor)
    except BadData:
        raise _not_ours() from None
    if _signer().dumps(content) != cursor:
        raise _not_ours()  # base64 has spare bits, which the signature does not cover
    list_id, kind, value, row_id = content
    if list_id != _list_id():
        detail = "It was made for another list: the filters and the sort must be those of the page that it came with."
        raise Problem("invalid-cursor", detail)
    return Position(datetime.fromisoformat(value) if kind == "time" else value, row_id)


def page_response(items: list[Any], after: Position | None) -> Response:
    """With `next_cursor` and its link (RFC 8288) when there is a page `after` this one."""
    cursor = _cursor(after) if after else None
    response = json_response({"items": items, "next_cursor": cursor}, 200)
    if cursor:
        query = urlencode({**request.args, "cursor": cursor})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def _not_ours() -> Problem:
    return Problem("invalid-cursor", "It is not one of ours.")


def _cursor(position: Position) -> str:
    time = isinstance(position.value, datetime)
    value = position.value.isoformat() if time else position.value
    return str(_signer().dumps([_list_id(), "time" if time else "plain", value, position.row_id]))


def _list_id() -> str:
    """A digest of the address and of all that chooses and sorts the rows."""
    chosen = sorted((name, value) for name, value in request.args.items() if name not in ("cursor", "limit"))
    return hashlib.sha256(repr((request.path, chosen)).encode()).hexdigest()[:16]


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(resources().settings.cursor_secret, salt="cursor")
