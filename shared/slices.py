"""A long sequence, a few items at a time."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def slices(whole: Sequence[T], length_max: int) -> Iterator[Sequence[T]]:
    """In the same order; all but the last have the full length."""
    return (whole[start : start + length_max] for start in range(0, len(whole), length_max))
