"""An order as the body of an answer: what `OrderOut` says, put together by hand.

Every order that is placed or polled is answered with it, and marshmallow takes several times as long
(docs/decisions, 0022); a test holds the two against each other. orjson writes the times (RFC 3339) and the statuses.
"""

from typing import Any

from shared.domain.money import Money
from shared.domain.order import Order, Reason


def order_body(order: Order) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "status": order.status,
        "customer": order.customer,
        "reference": order.reference,
        "items": [
            {"sku": line.sku, "quantity": line.quantity, "unit_price": _money(line.unit_price)} for line in order.items
        ],
        "total": _money(order.total),
        "reason": _reason(order.reason),
        "history": [{"status": entry.status, "at": entry.at} for entry in order.history],
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def _money(money: Money | None) -> dict[str, Any] | None:
    return {"amount": money.amount, "currency": money.currency} if money else None


def _reason(reason: Reason | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    lines = [{"sku": line.sku, "requested": line.requested, "available": line.available} for line in reason.lines]
    return {"code": reason.code, "lines": lines}
