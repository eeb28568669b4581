"""Answers as they leave: the Response of all views, and JSON out, by orjson."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import flask
import orjson
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WITHOUT_BODY = (204, 304)


class Response(flask.Response):
    """Flask's, which looks through the headers of every answer for what ours never need, and hands out an iterator:
    Granian sends a list at once, and anything else piece by piece (docs/decisions, 0022).
    """

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        complete = self.status_code not in WITHOUT_BODY and "Content-Length" in self.headers
        return self.headers if complete else super().get_wsgi_headers(environ)

    def get_app_iter(self, environ: "WSGIEnvironment") -> Iterable[bytes]:
        if not self.is_sequence:
            return super().get_app_iter(environ)
        self.close()
        without_body = environ["REQUEST_METHOD"] == "HEAD" or self.status_code in WITHOUT_BODY
        return [] if without_body else list(self.iter_encoded())


def json_response(body: Any, status: int) -> Response:
    """A value that JSON has no form for, in a damaged document, is shown as text, and takes no other along."""
    return Response(orjson.dumps(body, default=str), status, content_type="application/json")
