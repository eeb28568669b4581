"""Who gets the stock: the whole rule, as a pure function. The transaction around it is `store/decisions.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.domain.money import Money
from shared.domain.order import Line, Reason, ReasonCode, RefusedLine, add_up


@dataclass(frozen=True, slots=True)
class Offer:
    """What a product that can be ordered offers at the moment of the decision."""

    price: Money
    stock: int
    low_stock_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class PendingOrder:
    order_id: str
    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    order_id: str
    items: tuple[Line, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class Rejected:
    order_id: str
    reason: Reason


Decision = Confirmed | Rejected


def decide(orders: Iterable[PendingOrder], offers: Mapping[str, Offer]) -> list[Decision]:
    """Decide the orders in the order given; each one sees the stock that those before it left.

    An order is all or nothing. Lines of one SKU count together. A SKU without an offer can't be ordered.
    """
    left = {sku: offer.stock for sku, offer in offers.items()}
    decisions: list[Decision] = []
    for order in orders:
        lines = add_up(order.items)
        reason = _reason_against(lines, offers, left)
        if reason:
            decisions.append(Rejected(order.order_id, reason))
            continue
        for line in lines:
            left[line.sku] -= line.quantity
        decisions.append(_confirmed(order.order_id, lines, offers))
    return decisions


def stock_taken(decisions: Iterable[Decision]) -> dict[str, int]:
    """How many of each SKU the confirmed orders take together, by SKU in ascending order."""
    taken: dict[str, int] = {}
    for decision in decisions:
        if isinstance(decision, Confirmed):
            for line in decision.items:
                taken[line.sku] = taken.get(line.sku, 0) + line.quantity
    return dict(sorted(taken.items()))


def _reason_against(lines: tuple[Line, ...], offers: Mapping[str, Offer], left: Mapping[str, int]) -> Reason | None:
    unknown = tuple(RefusedLine(line.sku, line.quantity, None) for line in lines if line.sku not in offers)
    if unknown:
        return Reason(ReasonCode.PRODUCT_NOT_FOUND, unknown)
    if len({offers[line.sku].price.currency for line in lines}) > 1:
        return Reason(ReasonCode.MIXED_CURRENCIES)
    short = tuple(
        RefusedLine(line.sku, line.quantity, left[line.sku]) for line in lines if line.quantity > left[line.sku]
    )
    return Reason(ReasonCode.OUT_OF_STOCK, short) if short else None


def _confirmed(order_id: str, lines: tuple[Line, ...], offers: Mapping[str, Offer]) -> Confirmed:
    priced = tuple(Line(line.sku, line.quantity, offers[line.sku].price) for line in lines)
    total = sum(offers[line.sku].price.amount * line.quantity for line in lines)
    return Confirmed(order_id, priced, Money(total, offers[lines[0].sku].price.currency))
