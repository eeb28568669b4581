"""`Expect: 100-continue` (RFC 9110, section 10.1.1) is declined: 417, and the client repeats the request without it.

Granian would answer `100 Continue` by itself when the body is read. That answer looks like any other from outside
(api/connections.py), so a body that then never comes could not be told from an idle connection.
"""

from flask import Flask, request
from werkzeug.exceptions import ExpectationFailed


def register_expectations(app: Flask) -> None:
    app.before_request(_decline)


def _decline() -> None:
    if request.headers.get("Expect"):
        raise ExpectationFailed("Send the request without Expect; curl does so by itself.")
