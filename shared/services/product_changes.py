"""What follows a change of products, after its commit: who ran low is told of."""

from collections.abc import Iterable, Mapping

import structlog

from shared.domain.product import Change
from shared.metrics import PRODUCTS_RAN_LOW

log = structlog.get_logger(__name__)


def report_changes(changes: Iterable[Change]) -> None:
    report_low_stock({change.after.sku: change.after.stock for change in changes if change.ran_low})


def report_low_stock(stock_by_sku: Mapping[str, int]) -> None:
    for sku, stock in stock_by_sku.items():
        PRODUCTS_RAN_LOW.inc()
        log.warning("stock is low", sku=sku, stock=stock)
