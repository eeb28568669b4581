"""What the API counts of requests and of rate limits. What it counts of orders is in `shared/metrics.py`.

A request pays one observation and one count. The number of series is bounded whatever is sent: the route is the rule
that matched, or `unmatched`, and a method that HTTP does not have is `other`.
"""

from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Response
from prometheus_client import Counter, Histogram

from api.current import current_request
from shared.metrics import PREFIX

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HTTP_SECONDS = Histogram(
    f"{PREFIX}_http_request_duration_seconds",
    "From a request's reaching the application until its answer is made; its `_count` is the number of requests.",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

_DECISIONS = Counter(
    f"{PREFIX}_rate_limit_decisions_total", "Requests that a limit let pass or refused.", ["policy", "decision"]
)
RATE_LIMIT_FALLBACKS = Counter(
    f"{PREFIX}_rate_limit_fallbacks_total", "Questions for permits that were answered without Redis, which was away."
)

POLICIES = ("orders", "reads", "catalogue", "unauthorized")
PASSED = {policy: _DECISIONS.labels(policy, "passed") for policy in POLICIES}
REFUSED = {policy: _DECISIONS.labels(policy, "refused") for policy in POLICIES}

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

STARTED = "order_processor.started"

_observed: dict[tuple[str, str, int], Histogram] = {}
"""By route, method and status: no larger than the routes and their answers make it."""


def counted_decision(policy: str, passes: bool) -> bool:
    (PASSED if passes else REFUSED)[policy].inc()
    return passes


def register_metrics(app: Flask) -> None:
    """Before all others: what they do belongs to the time of the request."""
    inner = app.wsgi_app

    def timed(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        environ[STARTED] = perf_counter()
        return inner(environ, start_response)

    app.wsgi_app = timed  # type: ignore[method-assign]
    app.after_request(_observe)


def _observe(response: Response) -> Response:
    asked = current_request()
    seconds = perf_counter() - asked.environ[STARTED]
    rule, method = asked.url_rule, asked.method
    if rule is None:
        route, method = "unmatched", method if method in METHODS else "other"
    else:
        route = rule.rule
    key = (route, method, response.status_code)
    found = _observed.get(key)
    if found is None:
        found = _observed[key] = HTTP_SECONDS.labels(*key)
    found.observe(seconds)
    return response
