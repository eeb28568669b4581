"""Requests made before the load begins, whole as they are sent: a benchmark must not be bounded by its client."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Headers = Mapping[str, str]


def orders(path: str, *, skus: int, callers: Sequence[Headers]) -> list[bytes]:
    """Each for one unit: as many as there are SKUs or callers, whichever are more, each of them in turn."""
    return [
        post(path, {"items": [_item(number % skus)]}, callers[number % len(callers)])
        for number in range(max(skus, len(callers)))
    ]


def bulk_orders(path: str, *, skus: int, size: int, caller: Headers) -> bytes:
    """One request with `size` orders for one unit each."""
    return post(path, {"orders": [{"items": [_item(number % skus)]} for number in range(size)]}, caller)


def post(path: str, body: Any, headers: Headers) -> bytes:
    content = json.dumps(body).encode()
    return _request("POST", path, {"Content-Type": "application/json", **headers}, content)


def get(path: str, headers: Headers) -> bytes:
    return _request("GET", path, headers, None)


def _item(number: int) -> dict[str, Any]:
    return {"sku": f"SKU-{number}", "quantity": 1}


def _request(method: str, path: str, headers: Headers, content: bytes | None) -> bytes:
    length = {} if content is None else {"Content-Length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "bench", **headers, **length}.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + (content or b"")
