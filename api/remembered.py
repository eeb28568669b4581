"""What a body was found to be, by its bytes: in a rush the same few come again and again (docs/decisions, 0030).

What is raised of a body is not remembered: it is refused each time for what is wrong with it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

BODIES_MAX = 4_096
BODY_BYTES_MAX = 512
"""Some ten lines of an order: larger ones seldom come twice."""


def remembered(read: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """`read` must go by the bytes alone, and what it returns must be such that nobody can change it."""
    read_or_remember = lru_cache(BODIES_MAX)(read)

    def read_small_or_large(body: bytes) -> T:
        return read_or_remember(body) if len(body) <= BODY_BYTES_MAX else read(body)

    return read_small_or_large
