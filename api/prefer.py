"""The Prefer header (RFC 7240), of which one preference is known: `wait`, in seconds."""

import re

from flask import request
from werkzeug.http import parse_list_header

WAIT_SECONDS_MAX = 30
WAIT = re.compile(r'wait[ \t]*=[ \t]*"?([0-9]{1,9})"?[ \t]*(;.*)?', re.IGNORECASE)

PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "example": "wait=10"},
    "description": (
        f"`wait=N` (RFC 7240): hold the answer until the order is final or N seconds have passed, "
        f"{WAIT_SECONDS_MAX} at the most. What is not understood is ignored."
    ),
}
PREFERENCE_APPLIED = {
    "Preference-Applied": {
        "description": "wait=N when the answer was held, or need not have been; absent when there was no place to wait",
        "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
    }
}


def wait_preferred() -> int | None:
    """Seconds that the current request would wait; None when it did not ask to."""
    return wait_in(request.headers.getlist("Prefer"))


def wait_in(headers: list[str]) -> int | None:
    """The first one counts (section 2); what is malformed, or no time at all, is as if it were not there."""
    for preference in parse_list_header(",".join(headers)):
        if preference.partition("=")[0].strip().lower() == "wait":
            found = WAIT.fullmatch(preference.strip())
            return min(int(found[1]), WAIT_SECONDS_MAX) or None if found else None
    return None
