"""Changing what a product says of itself, and archiving it; both only as the caller has seen it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pymongo.database import Database

from shared.cache import LeaseCache
from shared.clock import now
from shared.domain.errors import ProductNotFound, VersionConflict
from shared.domain.product import Change, Product, changed
from shared.services.product_changes import report_changes
from shared.store.connection import Document
from shared.store.products import change_products

Versions = Collection[int] | None
"""Those that the caller would change; None for whichever there is."""


def edit_product(
    database: Database[Document], product_cache: LeaseCache, sku: str, changes: Mapping[str, Any], *, versions: Versions
) -> Product:
    """`changes` are fields of `Product`. Raises `ProductNotFound`, `VersionConflict`, `Unavailable`."""
    at = now()
    return _change(database, product_cache, sku, versions, lambda product: changed(product, changes, at=at))


def archive_product(
    database: Database[Document], product_cache: LeaseCache, sku: str, *, versions: Versions
) -> Product:
    """Gone from reads, and not orderable; its orders and its ledger stay. Raises as `edit_product` does."""
    at = now()
    return _change(database, product_cache, sku, versions, lambda product: changed(product, {"archived_at": at}, at=at))


def _change(
    database: Database[Document],
    product_cache: LeaseCache,
    sku: str,
    versions: Versions,
    change: Callable[[Product], Product],
) -> Product:
    def decide(found: Mapping[str, Product]) -> list[Change]:
        product = found.get(sku)
        if product is None or product.archived_at:
            raise ProductNotFound(sku)
        if versions is not None and product.version not in versions:
            raise VersionConflict(sku, product.version)
        return [Change(product, change(product))]

    with product_cache.changing() as warn:
        changes = change_products(database, [sku], decide, warn=warn)
    report_changes(changes)
    return changes[0].after
