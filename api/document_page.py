"""Where the OpenAPI document is read: by programs at /openapi.json, by people at /docs, without internet.

The page is Swagger UI, from the files that the package flask-swagger-ui brings along.
"""

from importlib.resources import files
from typing import Any

import orjson
from flask import Flask, Response, request, send_from_directory

ASSETS = str(files("flask_swagger_ui").joinpath("dist"))

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Order Processor</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="page"></div>
<noscript>This page needs JavaScript. The document itself: <a href="/openapi.json">/openapi.json</a></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""

START = """\
SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, tryItOutEnabled: true, validatorUrl: null
});
"""

PAGE_POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
"""Nothing from elsewhere. Swagger UI writes styles into its elements."""


def register_document(app: Flask, document: dict[str, Any]) -> None:
    body = orjson.dumps(document)
    app.add_url_rule("/openapi.json", "document.json", lambda: _cacheable(Response(body, mimetype="application/json")))
    app.add_url_rule("/docs", "document.page", lambda: _page(PAGE, "text/html"))
    app.add_url_rule("/docs/start.js", "document.start", lambda: _page(START, "text/javascript"))
    app.add_url_rule("/docs/<path:name>", "document.assets", lambda name: send_from_directory(ASSETS, name))


def _page(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return _cacheable(response)


def _cacheable(response: Response) -> Response:
    response.add_etag()
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
