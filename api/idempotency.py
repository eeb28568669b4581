"""The Idempotency-Key header (IETF draft-ietf-httpapi-idempotency-key-header): bare or quoted, visible ASCII."""

import re
from typing import Any

from flask import request

from api.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
WELL_FORMED = re.compile(r"[\x21-\x7e]{1,255}")


def _parameter(effect: str) -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": f"{effect} per caller and key, for ever: repeat the request with the same key after an error.",
    }


ORDER_KEY = _parameter("One order")
ADJUSTMENT_KEY = _parameter("One adjustment")


def idempotency_key() -> str | None:
    """The key of the current request, without quotes. Raises `Problem` when it is not in its form."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    key = bare_key(given)
    if key is None:
        detail = f"{HEADER} must be 1 to 255 visible ASCII characters."
        raise Problem("invalid-header", detail, {"header": HEADER})
    return key


def bare_key(given: str) -> str | None:
    """Without its quotes; None when it is not in its form."""
    key = given.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    return key if WELL_FORMED.fullmatch(key) else None
