"""The Idempotency-Key header (IETF draft-ietf-httpapi-idempotency-key-header): bare or quoted, visible ASCII."""

import re
from typing import Any

from api.current import header
from api.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
BARE, QUOTED = r"[!#-+\--~]{1,255}", r'"[!#-~]{1,255}"'
WELL_FORMED = re.compile(f"{BARE}|{QUOTED}")
"""Visible ASCII; a bare key has no comma: two headers of this name arrive as one, with a comma between their values."""

RULE = "must be 1 to 255 visible ASCII characters, one key, without quotes in it and with a comma only inside quotes"


def _parameter(effect: str) -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": f"^({BARE}|{QUOTED})$"},
        "description": f"{effect} per caller and key, for ever: repeat the request with the same key after an error.",
    }


ORDER_KEY = _parameter("One order")
ADJUSTMENT_KEY = _parameter("One adjustment")


def idempotency_key() -> str | None:
    """The key of the current request, without quotes. Raises `Problem` when it is not in its form."""
    given = header(HEADER)
    if given is None:
        return None
    key = bare_key(given)
    if key is None:
        raise Problem("invalid-header", f"{HEADER} {RULE}.", {"header": HEADER})
    return key


def refuse_idempotency_key() -> None:
    """Where each entry of the body has its own: a key for all of them would seem to be honoured."""
    if header(HEADER) is not None:
        detail = f"{HEADER} is not for this address: give each entry its own idempotency_key."
        raise Problem("invalid-header", detail, {"header": HEADER})


def bare_key(given: str) -> str | None:
    """Without its quotes; None when it is not in its form."""
    key = given.strip()
    return key.strip('"') if WELL_FORMED.fullmatch(key) else None
