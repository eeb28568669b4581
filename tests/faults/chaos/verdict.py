"""The verdict: what the clients were told against what MongoDB holds, order by order and unit by unit."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import httpx
from pymongo.database import Database

from shared.services.verify_stock import verify_stock
from shared.store.connection import Document
from tests.faults.chaos.book import Book, Purchase
from tests.stack import FINAL

CACHE_SLACK_SECONDS = 5.0
SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Each list has a line for every violation, and `statuses` counts the stored orders. `untold` are orders whose
    buyer gave up before an answer came, and knows the key: they are no violation."""

    statuses: Counter[str]
    lost: list[str]
    doubled: list[str]
    oversold: list[str]
    failed: list[str]
    undecided: list[str]
    wrong: list[str]
    untold: int
    unsent: int

    def violations(self) -> dict[str, list[str]]:
        kinds = ("lost", "doubled", "oversold", "failed", "undecided", "wrong")
        return {kind: lines for kind in kinds if (lines := getattr(self, kind))}

    def explanation(self) -> str:
        """The first few of each kind; empty when there is nothing to complain of."""
        shown = []
        for kind, lines in self.violations().items():
            shown += [f"{kind}: {line}" for line in lines[:SHOWN_MAX]]
            if len(lines) > SHOWN_MAX:
                shown.append(f"{kind}: and {len(lines) - SHOWN_MAX} more")
        return "\n".join(shown)


def judge(database: Database[Document], book: Book, stock: Mapping[str, int]) -> Verdict:
    """`stock` is what each SKU began with. To be called when nothing moves any more."""
    orders = {document["_id"]: document for document in database.orders.find()}
    by_key = _by_key(orders.values())
    told = {order_id for purchase in book.purchases for order_id in purchase.told}
    return Verdict(
        statuses=Counter(order["status"] for order in orders.values()),
        lost=[f"order {order_id} was accepted and is not there" for order_id in sorted(told - orders.keys())],
        doubled=[*_told_twice(book.purchases), *_stored_twice(by_key)],
        oversold=list(_oversold(database, orders.values(), stock)),
        failed=[f"{order['_id']}: {order.get('error')}" for order in orders.values() if order["status"] == "failed"],
        undecided=[order_id for order_id, order in orders.items() if order["status"] not in FINAL],
        wrong=[*book.wrong, *_unlike(book.purchases, by_key)],
        untold=len(orders.keys() - told),
        unsent=sum(not purchase.told for purchase in book.purchases),
    )


def differences_of_cache(url: str, database: Database[Document], *, ttl_seconds: float) -> list[str]:
    """Products that the API still answers otherwise than MongoDB when what was cached has expired."""
    stored = {document["_id"]: document["stock"] for document in database.products.find({}, {"stock": 1})}
    deadline = time.monotonic() + ttl_seconds + CACHE_SLACK_SECONDS
    while True:
        shown = {sku: httpx.get(f"{url}/v1/products/{sku}").json().get("stock") for sku in stored}
        different = [f"{sku}: {shown[sku]} shown, {stored[sku]} stored" for sku in stored if shown[sku] != stored[sku]]
        if not different or time.monotonic() > deadline:
            return different
        time.sleep(0.2)


Key = tuple[str, str]
"""Customer and idempotency key."""


def _by_key(orders: Iterable[Document]) -> dict[Key, list[Document]]:
    found: dict[Key, list[Document]] = defaultdict(list)
    for order in orders:
        found[order["customer"], order["idempotency"]["key"]].append(order)
    return found


def _told_twice(purchases: Iterable[Purchase]) -> Iterator[str]:
    for purchase in purchases:
        if len(purchase.told) > 1:
            yield f"key {purchase.key} was told {sorted(purchase.told)}"


def _stored_twice(by_key: Mapping[Key, list[Document]]) -> Iterator[str]:
    for key, orders in by_key.items():
        if len(orders) > 1:
            yield f"{key} has {[order['_id'] for order in orders]}"


def _oversold(database: Database[Document], orders: Iterable[Document], stock: Mapping[str, int]) -> Iterator[str]:
    """Stock against ledger, orders against ledger, and both against what there was."""
    for drift in verify_stock(database).drifts:
        yield f"{drift.kind} {drift.subject}: {drift.detail}"
    confirmed: Counter[str] = Counter()
    for order in orders:
        if order["status"] == "confirmed":
            confirmed.update({item["sku"]: item["quantity"] for item in order["items"]})
    for product in database.products.find():
        sku = product["_id"]
        if stock[sku] - confirmed[sku] != product["stock"] or product["stock"] < 0:
            yield f"{sku}: {stock[sku]} in the beginning, {confirmed[sku]} confirmed, {product['stock']} left"


def _unlike(purchases: Iterable[Purchase], by_key: Mapping[Key, list[Document]]) -> Iterator[str]:
    """Stored orders that nobody asked for, or that are not what was asked for."""
    known = {(purchase.customer, purchase.key): purchase for purchase in purchases}
    yield from (f"{key} is a key that no client sent" for key in by_key if key not in known)
    for key, purchase in known.items():
        for order in by_key.get(key, []):
            yield from _unlike_purchase(purchase, order)


def _unlike_purchase(purchase: Purchase, order: Document) -> Iterator[str]:
    order_id, status = order["_id"], order["status"]
    if {item["sku"]: item["quantity"] for item in order["items"]} != purchase.items:
        yield f"{order_id} is of {order['items']}, {purchase.items} was asked for"
    if purchase.told and order_id not in purchase.told:
        yield f"key {purchase.key} has {order_id}, {sorted(purchase.told)} was told"
    if [entry["status"] for entry in order["history"]][-1] != status:
        yield f"{order_id} is {status}, its history {order['history']}"
    if purchase.cancel_answer == httpx.codes.OK and status != "cancelled":
        yield f"{order_id} was cancelled and is {status}"
    if purchase.cancel_answer == httpx.codes.CONFLICT and status not in ("rejected", "failed"):
        yield f"{order_id} could not be cancelled and is {status}"
    if purchase.cancel_answer not in (None, httpx.codes.OK, httpx.codes.CONFLICT):
        yield f"{order_id}: cancelling was answered {purchase.cancel_answer}"
    if status == "cancelled" and not purchase.cancel_sent:
        yield f"{order_id} is cancelled, and nobody asked for it"
