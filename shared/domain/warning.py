"""What transactions that change products tell of it, so that nobody is shown the old ones after the commit."""

from collections.abc import Callable, Iterable

Warn = Callable[[Iterable[str]], Callable[[], None]]
"""Told the SKUs once their writes can't lose to another transaction any more. What it returns is called right before
the commit, and returns when nobody can be shown any more what was before."""


def nobody_is_told(_: Iterable[str]) -> Callable[[], None]:
    """For products that nobody can have been shown yet."""
    return lambda: None
