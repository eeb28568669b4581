"""The blueprint of every resource: flask-smorest's, with strict JSON bodies, and scopes that the document shows."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import flask_smorest
from flask import Request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import LengthRequired, UnsupportedMediaType

from api.auth import require_scope
from api.contract import View, refuses
from api.current import current_request
from api.limits import Policy, limited, limited_when_unauthorized
from api.lines import Upload
from api.problems import Problem
from api.remembered import remembered
from api.strict_json import loads

Make = Callable[[dict[str, Any]], object]
"""Of what fits a schema, something that nobody can change."""


class Parser:
    """What flask-smorest asks of a parser of webargs, which takes half as long again (docs/decisions, 0022)."""

    DEFAULT_VALIDATION_STATUS = 400

    def use_args(self, schema: Schema, *, location: str, remembered_as: Make | None = None) -> Callable[[View], View]:
        """With `remembered_as` the view gets what that makes of a body, which is done once for equal ones."""
        read = {"json": _json_reader(schema, remembered_as), "query": _query_reader(schema)}[location]

        def decorate(view: View) -> View:
            @wraps(view)
            def parsing(*args: Any, **kwargs: Any) -> Any:
                try:
                    loaded = read(current_request())
                except ValidationError as error:
                    raise invalid_request(messages_of(error)) from None
                return view(loaded, *args, **kwargs)

            return parsing

        return decorate


def _json_reader(schema: Schema, remembered_as: Make | None) -> Callable[[Request], Any]:
    def load(body: bytes) -> Any:
        return schema.load(_parsed(body))

    load_or_remember = remembered(lambda body: remembered_as(load(body))) if remembered_as else load
    return lambda req: load_or_remember(_json_body(req))


def _query_reader(schema: Schema) -> Callable[[Request], Any]:
    return lambda req: schema.load(_query(req))


def _json_body(req: Request) -> bytes:
    """A body must say that it is JSON, and be there as a whole."""
    if req.mimetype != "application/json" or req.content_encoding not in (None, "identity"):
        raise UnsupportedMediaType("Send the body as application/json, without a Content-Encoding.")
    return _whole_body(req)


def _parsed(body: bytes) -> Any:
    """It must be JSON, strictly."""
    try:
        return loads(body)
    except ValueError as error:
        raise Problem("malformed-json", f"{error}.") from None


def _query(req: Request) -> dict[str, str]:
    for name, values in req.args.lists():
        if len(values) > 1:
            raise ValidationError({name: ["Must be given once."]})
    return req.args.to_dict()


def invalid_request(errors: dict[str, Any]) -> Problem:
    return Problem("invalid-request", "See errors, by field.", {"errors": errors})


def messages_of(error: ValidationError) -> dict[str, Any]:
    """By field; those of a list by the place in it, as text, which is what keys are in JSON. If many, the first."""
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    first: dict[str, Any] = _first_messages(messages, iter(range(MESSAGES_MAX)))
    return first


def _first_messages(messages: Any, left: Iterator[int]) -> Any:
    """As many as are left to be taken, so that an answer can't be made large by what was sent."""
    if not isinstance(messages, dict):
        return messages
    first: dict[str, Any] = {}
    for name, inner in messages.items():
        if next(left, None) is None:
            first.setdefault("...", ["There are more."])
            break
        first[str(name)[:NAME_CHARACTERS_MAX]] = _first_messages(inner, left)
    return first


def _whole_body(req: Request) -> bytes:
    """Refuses a body that was cut off, or may have been: what is left could pass for an order (RFC 9112, section 8)."""
    upload = Upload(req.stream, req.content_length or 0)
    body = b"".join(upload.chunks())
    if not upload.whole:
        raise Problem("incomplete-body", str(upload))
    if not body and req.stream.read(1):
        raise LengthRequired("Send the body with its Content-Length.")
    return body


MESSAGES_MAX = 50
NAME_CHARACTERS_MAX = 100

BODY_PROBLEMS = (
    "malformed-json",
    "incomplete-body",
    "invalid-request",
    "length-required",
    "body-too-large",
    "unsupported-media-type",
)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # flask-smorest has no types
    ARGUMENTS_PARSER = Parser()

    def arguments(
        self, schema: Schema, *, location: str = "json", remembered_as: Make | None = None
    ) -> Callable[[View], View]:
        """As flask-smorest's, and the document says what is refused of a body or a query."""
        read: Callable[[View], View] = super().arguments(schema, location=location, remembered_as=remembered_as)
        note = refuses(*BODY_PROBLEMS) if location == "json" else refuses("invalid-request")
        return lambda view: note(read(view))

    def limited(self, policy: Policy) -> Callable[[View], View]:
        """Only callers who have a permit of the rate limit left; beneath `requires`, which says whose it is."""
        note = refuses("rate-limited")
        return lambda view: note(limited(policy, view))

    def requires(self, scope: str) -> Callable[[View], View]:
        """Only callers whose token has the scope; said in the document too."""
        document = self.doc(security=[{"bearer": [scope]}], description=f"Needs the scope `{scope}`.")
        return lambda view: document(limited_when_unauthorized(require_scope(scope)(view)))
