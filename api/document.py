"""The OpenAPI document, made once: what flask-smorest knows of routes and schemas, and what the views say beside it."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask

from api.auth import SCOPES
from api.contract import refused_by, taken_by
from api.document_examples import EXAMPLES, LINKS
from api.headers import RATE_LIMIT, RETRY_WHEN_LIMITED
from api.problems import PROBLEM_JSON, PROBLEM_TYPES

Json = dict[str, Any]

TAGS = {
    "orders": "Placing orders, and following them until they are decided.",
    "products": "What can be ordered.",
    "stock": "Stock and its ledger.",
    "operations": "For probes and for people.",
}

DESCRIPTION = """\
Takes purchase requests for limited stock and answers at once; decides each order exactly once, and never sells what is
not there. Place an order with an `Idempotency-Key`, repeat it with the same key after a network error, and look at it
until it is not `pending`.

Times are RFC 3339 in UTC. Money is an integer in minor units with its ISO 4217 currency. Errors are problem details
(RFC 9457): `type` is stable and leads to what it means, and `detail` says what is wrong. Every answer has an
`X-Request-ID`, the caller's own when it is well formed.
"""


def complete(document: Json, app: Flask, algorithm: str) -> Json:
    """The document with what flask-smorest can't know."""
    document["info"]["description"] = DESCRIPTION
    document["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    document["components"].pop("responses")
    document["components"]["securitySchemes"] = {"bearer": _bearer_scheme(algorithm)}
    for name, example in EXAMPLES.items():
        document["components"]["schemas"][name]["examples"] = [example]
    for path, operation, view in _operations(document, app):
        _complete_operation(path, operation, view)
        operation["operationId"] = view.__name__
    return document


def _operations(document: Json, app: Flask) -> Iterator[tuple[str, Json, Any]]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method, operation in document["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or ()):
                yield path, operation, app.view_functions[rule.endpoint]


def _complete_operation(path: str, operation: Json, view: Any) -> None:
    operation["tags"] = [_tag(path)]
    if taken_by(view):
        operation["parameters"] = [*operation.get("parameters", []), *taken_by(view)]
    responses = operation["responses"]
    for status in [status for status, response in responses.items() if "$ref" in response]:
        del responses[status]
    limited = "rate-limited" in refused_by(view)
    for status, slugs in _by_status(_slugs(path, operation, view)).items():
        responses[str(status)] = _problem_response(slugs)
    responses["default"] = _problem_response(["internal-error"])
    if limited:
        for response in (response for status, response in responses.items() if status != NOT_COUNTED):
            response["headers"] = response.get("headers", {}) | RATE_LIMIT
    for status, links in LINKS.get(view.__name__, {}).items():
        responses[status]["links"] = links


def _tag(path: str) -> str:
    if "/stock-" in path:
        return "stock"
    if "/orders" in path or path.endswith("/purchase"):
        return "orders"
    return "products" if path.startswith("/v1/products") else "operations"


def _slugs(path: str, operation: Json, view: Any) -> list[str]:
    slugs = list(refused_by(view))
    if operation.get("security"):
        slugs += ["unauthorized", "insufficient-scope"]
    if path.startswith("/v1/"):
        slugs.append("unavailable")
    return list(dict.fromkeys(slugs))


def _by_status(slugs: list[str]) -> dict[int, list[str]]:
    by_status: dict[int, list[str]] = {}
    for slug in slugs:
        by_status.setdefault(PROBLEM_TYPES[slug].status, []).append(slug)
    return dict(sorted(by_status.items()))


def _problem_response(slugs: list[str]) -> Json:
    meanings = [f"`/problems/{slug}`: {PROBLEM_TYPES[slug].title}." for slug in slugs]
    response: Json = {
        "description": " ".join(meanings),
        "content": {
            PROBLEM_JSON: {
                "schema": {"$ref": "#/components/schemas/ProblemOut"},
                "examples": {slug: {"value": _problem_example(slug)} for slug in slugs},
            }
        },
    }
    headers = {name: header for slug in slugs for name, header in PROBLEM_HEADERS.get(slug, {}).items()}
    return {**response, "headers": headers} if headers else response


def _problem_example(slug: str) -> Json:
    problem_type = PROBLEM_TYPES[slug]
    return {
        "type": f"/problems/{slug}",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": "What is wrong with this request, in a sentence.",
        "request_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }


NOT_COUNTED = "403"
"""Who lacks the scope spends no permit."""

RETRY_AFTER_SECONDS = {"Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}}

PROBLEM_HEADERS: dict[str, Json] = {
    "rate-limited": RETRY_WHEN_LIMITED,
    "unauthorized": {"WWW-Authenticate": {"description": "RFC 6750", "schema": {"type": "string"}}},
    "insufficient-scope": {"WWW-Authenticate": {"description": "names the scope", "schema": {"type": "string"}}},
    "unavailable": RETRY_AFTER_SECONDS,
    "queue-too-long": RETRY_AFTER_SECONDS,
}


def _bearer_scheme(algorithm: str) -> Json:
    scopes = "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    description = f"A JWT signed with {algorithm}, with `sub`, `exp` and `scope`. Scopes: {scopes}."
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": description}
