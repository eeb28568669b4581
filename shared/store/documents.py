"""Orders, products and movements as MongoDB keeps them, and back: the only place that knows their fields' names."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.allocation import PendingOrder
from shared.domain.errors import OrderUnreadable
from shared.domain.idempotency import Idempotency
from shared.domain.money import Money
from shared.domain.movement import Movement, MovementKind
from shared.domain.order import HistoryEntry, Line, Order, Reason, ReasonCode, RefusedLine, Status
from shared.domain.product import Product, is_low
from shared.domain.search import folded, words_of
from shared.store.connection import Document

DATES: Document = {"$gte": datetime.min.replace(tzinfo=UTC), "$lte": datetime.max.replace(tzinfo=UTC)}
"""Matches what is a date, and one that Python can read: MongoDB's go further, and the driver raises then."""

LISTED = ("_id", "price", "created_at", "listing")
"""The fields of a product that its listing has, too."""


def order_document(order: Order, *, announce_after_seconds: int) -> Document:
    """The document of a new order. `next_announce_at` makes it its own outbox: see `store/announcements.py`."""
    return {
        "_id": order.order_id,
        "customer": order.customer,
        "reference": order.reference,
        "items": items_value(order.items),
        "status": order.status.value,
        "total": money_value(order.total),
        "reason": reason_value(order.reason),
        "history": [history_value(entry.status, entry.at, by=entry.by) for entry in order.history],
        "attempts": 0,
        **announcement_value(order.created_at, announce_after_seconds),
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def announcement_value(at: datetime, announce_after_seconds: int) -> Document:
    """When an order that is pending since `at` is to be announced again."""
    return {
        "next_announce_at": at + timedelta(seconds=announce_after_seconds),
        "announce_interval_seconds": announce_after_seconds,
    }


def order_from(document: Mapping[str, Any]) -> Order:
    """Lines that can't be read are left out: such an order fails, and must be shown. Raises `OrderUnreadable`."""
    with reading(document["_id"]):
        return _order_from(document)


@contextmanager
def reading(order_id: str) -> Iterator[None]:
    """Raises `OrderUnreadable` when what is stored is not what it should be."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OrderUnreadable(order_id, f"{type(error).__name__}: {error}") from error


def _order_from(document: Mapping[str, Any]) -> Order:
    return Order(
        order_id=document["_id"],
        customer=document["customer"],
        reference=document["reference"],
        items=tuple(_line_from(item) for item in _listed(document.get("items")) if _is_line(item)),
        status=Status(document["status"]),
        total=_money_from(document["total"]),
        reason=_reason_from(document["reason"]),
        history=tuple(
            HistoryEntry(Status(entry["status"]), entry["at"], entry.get("by")) for entry in document["history"]
        ),
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )


def pending_order_from(document: Mapping[str, Any]) -> PendingOrder:
    """Raises `OrderUnreadable`."""
    items = _listed(document.get("items"))
    if not items or not all(_is_line(item) for item in items):
        raise OrderUnreadable(document["_id"], f"items is no list of lines: {document.get('items')!r:.200}")
    return PendingOrder(document["_id"], tuple(Line(item["sku"], item["quantity"]) for item in items))


def product_document(product: Product) -> Document:
    """With `listing`: what the indexes of the list need to know, all of it derived from the rest."""
    return {
        "_id": product.sku,
        "name": product.name,
        "description": product.description,
        "price": money_value(product.price),
        "stock": product.stock,
        "low_stock_threshold": product.low_stock_threshold,
        "version": product.version,
        "archived_at": product.archived_at,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "listing": {
            "archived": product.archived_at is not None,
            **level_value(product.stock, product.low_stock_threshold),
            "name": folded(product.name),
            "words": [] if product.archived_at else [sku_word(product.sku), *words_of(product.name)],
        },
    }


def listing_document(product: Product) -> Document:
    """What the list needs to know of a product to find it; see `store/catalogue.py`."""
    document = product_document(product)
    return {field: document[field] for field in LISTED}


def level_value(stock: int, low_stock_threshold: int | None) -> Document:
    """The part of `listing` that follows the stock."""
    return {"in_stock": stock > 0, "low_stock": is_low(stock, low_stock_threshold)}


def sku_word(sku: str) -> str:
    """The SKU, or the beginning of one, among the words of the name: marked, because no word has this character."""
    return "=" + folded(sku)


def product_from(document: Mapping[str, Any]) -> Product:
    return Product(
        sku=document["_id"],
        name=document["name"],
        description=document["description"],
        price=Money(**document["price"]),
        stock=document["stock"],
        low_stock_threshold=document["low_stock_threshold"],
        version=document["version"],
        archived_at=document["archived_at"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
    )


def movement_document(movement: Movement) -> Document:
    return {
        "_id": movement.movement_id,
        "reference": movement.reference,
        "sku": movement.sku,
        "kind": movement.kind.value,
        "delta": movement.delta,
        "at": movement.at,
        "by": movement.by,
        "reason": movement.reason,
    }


def movement_from(document: Mapping[str, Any]) -> Movement:
    return Movement(
        reference=document["reference"],
        sku=document["sku"],
        kind=MovementKind(document["kind"]),
        delta=document["delta"],
        at=document["at"],
        by=document["by"],
        reason=document["reason"],
    )


def idempotency_value(idempotency: Idempotency | None) -> Document:
    """The field of a document that was asked for with a key; absent without one, so that no index holds it."""
    if idempotency is None:
        return {}
    return {"idempotency": {"key": idempotency.key, "fingerprint": idempotency.fingerprint}}


def items_value(lines: Iterable[Line]) -> list[Document]:
    return [{"sku": line.sku, "quantity": line.quantity, "unit_price": money_value(line.unit_price)} for line in lines]


def money_value(money: Money | None) -> Document | None:
    return {"amount": money.amount, "currency": money.currency} if money else None


def reason_value(reason: Reason | None) -> Document | None:
    if reason is None:
        return None
    lines = [{"sku": line.sku, "requested": line.requested, "available": line.available} for line in reason.lines]
    return {"code": reason.code.value, "lines": lines}


def value_by_id(values: Mapping[str, Any]) -> Document:
    """An expression for an update: what stands in `values` under the `_id` of the document, which must be there.

    MongoDB goes through the keys for each document, so keep them few.
    https://www.mongodb.com/docs/manual/reference/operator/aggregation/indexOfArray/
    """
    place = {"$indexOfArray": [{"$literal": list(values)}, "$_id"]}
    return {"$arrayElemAt": [{"$literal": list(values.values())}, place]}


def history_value(status: Status, at: datetime, *, by: str | None = None) -> Document:
    return {"status": status.value, "at": at} | ({"by": by} if by else {})


def _line_from(item: Mapping[str, Any]) -> Line:
    return Line(item["sku"], item["quantity"], _money_from(item["unit_price"]))


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_line(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("sku"), str):
        return False
    quantity = item.get("quantity")
    return isinstance(quantity, int) and not isinstance(quantity, bool) and quantity > 0


def _money_from(value: Mapping[str, Any] | None) -> Money | None:
    return Money(value["amount"], value["currency"]) if value else None


def _reason_from(value: Mapping[str, Any] | None) -> Reason | None:
    if value is None:
        return None
    lines = (RefusedLine(line["sku"], line["requested"], line["available"]) for line in value["lines"])
    return Reason(ReasonCode(value["code"]), tuple(lines))
