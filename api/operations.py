"""What probes and people ask about the process itself. Never limited, needs no token."""

from werkzeug.exceptions import NotFound

from api.blueprint import Blueprint
from api.contract import refuses
from api.problems import PROBLEM_TYPES
from api.resources import resources
from api.response import Response, json_response
from api.schemas import HealthOut, LivenessOut, ProblemTypeOut
from shared.services.check_health import Check, check_health

blueprint = Blueprint("operations", __name__, description="For probes and for people.")


@blueprint.get("/livez")
@blueprint.response(200, LivenessOut, description="The process answers.")
def livez() -> Response:
    """Whether the process answers."""
    return json_response({"status": "ok"}, 200)


@blueprint.get("/readyz")
@blueprint.response(200, HealthOut, description="Orders are accepted; degraded when some part is missing.")
@blueprint.alt_response(503, schema=HealthOut, description="Orders can't be accepted.")
def readyz() -> Response:
    """Whether orders are accepted and decided, part by part."""
    health = check_health(
        resources().database,
        {"redis_broker": resources().ping_broker, "redis_cache": resources().redis_cache.ping},
    )
    body = {"status": health.status, "checks": {name: _check(check) for name, check in health.checks.items()}}
    return json_response(body, 503 if health.status == "unavailable" else 200)


@blueprint.get("/problems/<slug>")
@blueprint.response(200, ProblemTypeOut, description="What a problem type means.")
@refuses("not-found")
def get_problem_type(slug: str) -> Response:
    """Look up a problem type."""
    if slug not in PROBLEM_TYPES:
        raise NotFound
    found = PROBLEM_TYPES[slug]
    return json_response({"type": f"/problems/{slug}", "title": found.title, "status": found.status}, 200)


def _check(check: Check) -> dict[str, object]:
    return {"state": check.state, **check.figures}
