"""When to ask again for a pending order: it follows the time that orders wait for their decision at present.

What is known of that time comes with the notices of finished orders, so that no request pays a round trip for it.
"""

import math
import time

SECONDS_MAX = 30

HALF_LIFE_SECONDS = 1.0
"""After this long, what was known before counts for half; a single notice counts for a fifth at least."""

WEIGHT_MIN = 0.2

FADE_SECONDS = 10.0
"""Nothing heard: the estimate is halved each time this passes. It is the age of the order that counts then."""


def retry_after_seconds(age_seconds: float, estimate_seconds: float) -> int:
    """What is left of the time that orders take; for one that has waited longer already, half as long again."""
    age_seconds = max(0.0, age_seconds)  # the clocks of two machines may differ
    seconds = math.ceil(max(estimate_seconds - age_seconds, age_seconds / 2))
    return min(max(seconds, 1), SECONDS_MAX)


class Pace:
    """The present time to decision. Threads may call it side by side: it replaces one value, and a race loses one."""

    def __init__(self) -> None:
        self._known = (0.0, -math.inf)

    def observe(self, waited_seconds: float, at: float | None = None) -> None:
        """Some orders were decided after so long; `at` is on the monotonic clock."""
        at = time.monotonic() if at is None else at
        before, heard_at = self._known
        weight = max(WEIGHT_MIN, 1 - 0.5 ** (max(0.0, at - heard_at) / HALF_LIFE_SECONDS))
        self._known = (before + weight * (waited_seconds - before), at)

    def estimate_seconds(self, at: float | None = None) -> float:
        at = time.monotonic() if at is None else at
        estimate, heard_at = self._known
        return estimate * 0.5 ** (max(0.0, at - heard_at) / FADE_SECONDS) if estimate else 0.0

    def silent_seconds(self, at: float | None = None) -> float:
        """Since anything was observed; infinite at first."""
        return (time.monotonic() if at is None else at) - self._known[1]
