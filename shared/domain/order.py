"""What an order is, which statuses it passes through, and how its lines are put in their normal form."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.domain.money import Money

UUID_VERSION = 7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Status(StrEnum):
    """`pending -> confirmed | rejected | failed | cancelled`, `confirmed -> cancelled`, `failed -> pending`."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ReasonCode(StrEnum):
    OUT_OF_STOCK = "out_of_stock"
    PRODUCT_NOT_FOUND = "product_not_found"
    MIXED_CURRENCIES = "mixed_currencies"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    UNPROCESSABLE = "unprocessable"


@dataclass(frozen=True, slots=True)
class Line:
    """`unit_price` is None until the order is confirmed."""

    sku: str
    quantity: int
    unit_price: Money | None = None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that could not be served; `available` is None when there is no such product."""

    sku: str
    requested: int
    available: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    code: ReasonCode
    lines: tuple[RefusedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """`by`: who made it so, by hand; None when the system did, or the customer who placed it."""

    status: Status
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """`total` and the unit prices are set when it is confirmed, `reason` when it is rejected or failed."""

    order_id: str
    customer: str
    reference: str | None
    items: tuple[Line, ...]
    status: Status
    total: Money | None
    reason: Reason | None
    history: tuple[HistoryEntry, ...]
    created_at: datetime
    updated_at: datetime


def new_order(order_id: str, customer: str, lines: Iterable[Line], *, reference: str | None, at: datetime) -> Order:
    return Order(
        order_id=order_id,
        customer=customer,
        reference=reference,
        items=add_up(lines),
        status=Status.PENDING,
        total=None,
        reason=None,
        history=(HistoryEntry(Status.PENDING, at),),
        created_at=at,
        updated_at=at,
    )


def accepted_at(order_id: str) -> datetime:
    """Order ids are UUIDv7: they begin with the time, in milliseconds (RFC 9562, section 5.7). Raises `ValueError`."""
    parsed = UUID(order_id)
    if parsed.version != UUID_VERSION:
        raise ValueError(order_id)
    return EPOCH + timedelta(milliseconds=parsed.int >> 80)


def first_order_id(at: datetime) -> str:
    """A text that no id of an order accepted at that time or later comes before, and each earlier one does."""
    milliseconds = max(0, -((EPOCH - at) // timedelta(milliseconds=1)))
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}"


def add_up(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines with those of one SKU added up, in the order in which each SKU came first."""
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    return tuple(Line(sku, quantity) for sku, quantity in quantities.items())
