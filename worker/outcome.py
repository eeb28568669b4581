"""What the orders of a message came to, in a few words: the result of its task, for Flower and the worker's log."""

from collections import Counter
from collections.abc import Iterable

from shared.domain.allocation import Confirmed, Decision

LEFT_ALONE = "already final or put off"
"""Another delivery has decided it, its customer has cancelled it, it failed, or a later attempt will decide it."""


def outcome_of(decisions: Iterable[Decision | None]) -> str:
    """As "1 confirmed, 2 rejected"."""
    counts = Counter(map(_word, decisions))
    parts = [f"{counts[word]} {word}" for word in ("confirmed", "rejected", LEFT_ALONE) if counts[word]]
    return ", ".join(parts) or "no orders"


def _word(decision: Decision | None) -> str:
    if decision is None:
        return LEFT_ALONE
    return "confirmed" if isinstance(decision, Confirmed) else "rejected"
