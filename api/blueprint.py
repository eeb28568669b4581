"""The blueprint of every resource: flask-smorest's, with strict JSON bodies, and scopes that the document shows."""

from collections.abc import Callable
from typing import Any, NoReturn, cast

import flask_smorest
import orjson
from flask import Request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import LengthRequired, UnsupportedMediaType

from api.auth import require_scope
from api.headers import RATE_LIMIT, RETRY_WHEN_LIMITED
from api.limits import Policy, limited, limited_when_unauthorized
from api.problems import PROBLEM_JSON, Problem
from api.schemas import ProblemOut

View = Callable[..., Any]


class StrictParser(FlaskParser):
    """A body must say that it is JSON and be JSON: no NaN, no broken UTF-8 (orjson refuses both)."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": RAISE, "query": RAISE}  # noqa: RUF012 - as webargs has it

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        for name, values in req.args.lists():
            if len(values) > 1:
                raise ValidationError({name: ["Must be given once."]})
        return super().load_querystring(req, schema)

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002 - webargs passes it
        if req.mimetype != "application/json" or req.content_encoding not in (None, "identity"):
            raise UnsupportedMediaType("Send the body as application/json, without a Content-Encoding.")
        try:
            return orjson.loads(_whole_body(req))
        except orjson.JSONDecodeError as error:
            raise Problem("malformed-json", f"{error}.") from None

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        errors = messages.get("json") or messages.get("query") or messages
        raise Problem("invalid-request", "See errors, by field.", {"errors": errors}) from None


def _whole_body(req: Request) -> bytes:
    """Refuses a body that was cut off, or may have been: what is left could pass for an order (RFC 9112, section 8)."""
    body, announced = req.get_data(), req.content_length or 0
    if body and not announced:
        raise LengthRequired("Send the body with its Content-Length.")
    if len(body) != announced:
        detail = f"{announced} bytes were announced, {len(body)} came."
        raise Problem("incomplete-body", detail)
    return body


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # flask-smorest has no types
    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_rate_limit)

    def requires(self, scope: str) -> Callable[[View], View]:
        """Only callers whose token has the scope; said in the document too."""
        document = self.doc(security=[{"bearer": [scope]}], description=f"Needs the scope `{scope}`.")
        return lambda view: document(limited_when_unauthorized(require_scope(scope)(view)))

    def limited(self, policy: Policy) -> Callable[[View], View]:
        """Only callers who have a permit of the rate limit left; beneath `requires`, which says whose it is."""
        document = self.alt_response(
            429,
            schema=ProblemOut,
            content_type=PROBLEM_JSON,
            description=f"The rate limit `{policy}` is spent; nothing was done.",
            headers=RETRY_WHEN_LIMITED,
        )

        def decorate(view: View) -> View:
            documented: Any = document(limited(policy, view))
            documented._apidoc["limited"] = True
            return cast("View", documented)

        return decorate


def _document_rate_limit(document: dict[str, Any], information: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every answer of a limited route has the fields, not only the one that the view spells out."""
    if "limited" in information:
        for response in document["responses"].values():
            if isinstance(response, dict):
                response["headers"] = response.get("headers", {}) | RATE_LIMIT
    return document
