"""What a movement is: one entry of the ledger. Stock changes by movements alone, so their sum is the stock."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MovementKind(StrEnum):
    INITIAL = "initial"
    ADJUSTMENT = "adjustment"
    SALE = "sale"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Movement:
    """`reference` is what caused it: the order's id for a sale or a return.

    `by` is the subject of the token that asked for it, and None where the order says who; `reason` is theirs.
    """

    reference: str
    sku: str
    kind: MovementKind
    delta: int
    at: datetime
    by: str | None = None
    reason: str | None = None

    @property
    def movement_id(self) -> str:
        """Unique by what caused the movement: the second guard against a double effect."""
        return f"{self.reference}:{self.sku}:{self.kind.value}"
