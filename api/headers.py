"""The headers of requests and answers, as the OpenAPI document shows them."""

from typing import Any


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


LOCATION = {"Location": _text("where it is")}
ETAG = {"ETag": _text("changes whenever the body does; for If-None-Match")}
RETRY_AFTER = {
    "Retry-After": {
        "description": "seconds, while the order is pending: the time that orders take at present",
        "schema": {"type": "integer", "minimum": 1},
    }
}
REPLAYED = {
    "Idempotent-Replayed": {
        "description": "true when the order is the one that the same request made before",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
X_CACHE = {"X-Cache": {"description": "whether it came from the cache", "schema": {"enum": ["hit", "miss"]}}}

LINK = {"Link": _text('the next page, rel="next" (RFC 8288); absent on the last one')}

RATE_LIMIT = {
    "RateLimit-Policy": _text('the limit: `"orders";q=600;w=60` is 600 in 60 s (IETF draft ratelimit-headers)'),
    "RateLimit": _text('what is left of it: `"orders";r=50;t=30` is 50, and all again in 30 s'),
}
RETRY_WHEN_LIMITED = {
    "Retry-After": {"description": "seconds, until the window is over", "schema": {"type": "integer", "minimum": 1}}
}

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "example": '"v1"'},
    "description": "The ETag of the product as the caller saw it; `*` for whatever it is now.",
}
CONTENT_DISPOSITION = {"Content-Disposition": _text("a name for the file")}

IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the answer that the caller has: 304 when nothing has changed since.",
}
