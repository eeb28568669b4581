"""What programs read: orders and movements as JSON, under the names that the HTTP API uses where it has the same."""

import json
from typing import Any

import click

from shared.domain.money import Money
from shared.domain.movement import Movement
from shared.domain.order import Order, Reason
from shared.store.order_details import OrderDetails

Shape = dict[str, Any]


def write(document: Shape) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def order_shape(order: Order) -> Shape:
    return {
        "id": order.order_id,
        "status": order.status.value,
        "customer": order.customer,
        "reference": order.reference,
        "items": [
            {"sku": line.sku, "quantity": line.quantity, "unit_price": _money_shape(line.unit_price)}
            for line in order.items
        ],
        "total": _money_shape(order.total),
        "reason": _reason_shape(order.reason),
        "history": [
            {"status": entry.status.value, "at": entry.at.isoformat(), "by": entry.by} for entry in order.history
        ],
        "created_at": order.created_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
    }


def details_shape(details: OrderDetails) -> Shape:
    """The order, and what only operators see."""
    error, due = details.error, details.next_announce_at
    return {
        **order_shape(details.order),
        "attempts": details.attempts,
        "error": error and {"text": error.text, "at": error.at.isoformat(), "worker": error.worker},
        "next_announce_at": due.isoformat() if due else None,
    }


def movement_shape(movement: Movement) -> Shape:
    return {
        "sku": movement.sku,
        "kind": movement.kind.value,
        "delta": movement.delta,
        "at": movement.at.isoformat(),
        "by": movement.by,
        "reason": movement.reason,
    }


def _money_shape(money: Money | None) -> Shape | None:
    return {"amount": money.amount, "currency": money.currency} if money else None


def _reason_shape(reason: Reason | None) -> Shape | None:
    if reason is None:
        return None
    lines = [{"sku": line.sku, "requested": line.requested, "available": line.available} for line in reason.lines]
    return {"code": reason.code.value, "lines": lines}
