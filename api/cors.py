"""Which web pages may call the API from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol): by default none.

No cookies are involved: who calls is in the token, which a page has to have.
"""

import re
from collections.abc import Sequence

import flask_cors
from environs import ValidationError
from flask import Flask

TAKEN = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "X-Request-ID"]
SHOWN = [
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Cache",
    "X-Request-ID",
]
REMEMBERED_SECONDS = 600

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
"""As browsers write it. It has no character that flask-cors would take for a pattern."""


def check_origins(origins: Sequence[str]) -> None:
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in origins):
        raise ValidationError("Must be origins such as https://shop.example, separated by commas, or *")


def register_cors(app: Flask, origins: Sequence[str]) -> None:
    if origins:
        flask_cors.CORS(
            app,
            origins=list(origins),
            methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=TAKEN,
            expose_headers=SHOWN,
            max_age=REMEMBERED_SECONDS,
        )
