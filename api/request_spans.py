"""A span for each request, where traces are asked for: the root of an order's trace, or a part of the caller's own.

It says what was asked and what came of it, and nothing of who asked.
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from functools import partial

from flask import Flask, Response, g, request
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from api.access_log import order_id_of
from shared.spans import NAME, PROPAGATOR

NOT_TRACED = ("/livez", "/readyz")
"""Asked every few seconds by whoever watches the API."""


def register_request_spans(app: Flask) -> None:
    """After the request's id, which goes with what is logged here, and before all else, which belongs to the span."""
    app.before_request(partial(_begin, trace.get_tracer(NAME)))
    app.after_request(_describe)
    app.teardown_request(_end)


def _begin(tracer: Tracer) -> None:
    if request.path in NOT_TRACED:
        return
    route = request.url_rule.rule if request.url_rule else None
    g.span = tracer.start_span(
        f"{request.method} {route}" if route else request.method,
        context=PROPAGATOR.extract(request.headers),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": request.method, "url.path": request.path, "url.scheme": request.scheme}
        | ({"http.route": route} if route else {}),
    )
    g.span_token = context.attach(trace.set_span_in_context(g.span))


def _describe(response: Response) -> Response:
    span: Span | None = g.get("span")
    if span and span.is_recording():
        span.set_attribute("http.response.status_code", response.status_code)
        span.set_attribute(f"{NAME}.request_id", g.request_id)
        if order_id := order_id_of(response):
            span.set_attribute(f"{NAME}.order_id", order_id)
        if response.status_code >= 500:
            span.set_status(Status(StatusCode.ERROR))
    return response


def _end(_error: BaseException | None) -> None:
    span: Span | None = g.get("span")
    if span:
        context.detach(g.span_token)
        span.end()
