"""What follows a change of products, after its commit: the cache forgets them, and who ran low is told of."""

from collections.abc import Iterable, Mapping

import structlog

from shared.cache import LeaseCache
from shared.domain.product import Change
from shared.metrics import PRODUCTS_RAN_LOW

log = structlog.get_logger(__name__)


def publish_changes(product_cache: LeaseCache, changes: Iterable[Change]) -> None:
    real = [change for change in changes if change.after != change.before]
    product_cache.invalidate(change.after.sku for change in real)
    report_low_stock({change.after.sku: change.after.stock for change in real if change.ran_low})


def report_low_stock(stock_by_sku: Mapping[str, int]) -> None:
    for sku, stock in stock_by_sku.items():
        PRODUCTS_RAN_LOW.inc()
        log.warning("stock is low", sku=sku, stock=stock)
