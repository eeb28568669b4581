"""Money: an integer amount of minor units in one currency, so that no sum is ever rounded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in minor units (cents, sen, ...) of the ISO 4217 `currency`."""

    amount: int
    currency: str
