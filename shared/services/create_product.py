"""Creating a product, with the ledger entry of its first stock."""

from collections.abc import Mapping

from pymongo.database import Database

from shared.clock import now
from shared.domain.errors import SkuTaken
from shared.domain.money import Money
from shared.domain.product import Change, Product, created
from shared.domain.warning import nobody_is_told
from shared.store.connection import Document
from shared.store.products import change_products


def create_product(
    database: Database[Document],
    *,
    by: str,
    sku: str,
    name: str,
    description: str | None,
    price: Money,
    stock: int,
    low_stock_threshold: int | None,
) -> Product:
    """Raises `SkuTaken` (an archived product keeps its SKU), `Unavailable`."""
    at = now()
    product = Product(
        sku=sku,
        name=name,
        description=description,
        price=price,
        stock=stock,
        low_stock_threshold=low_stock_threshold,
        version=1,
        archived_at=None,
        created_at=at,
        updated_at=at,
    )

    def create(existing: Mapping[str, Product]) -> list[Change]:
        if existing:
            raise SkuTaken(sku)
        return [created(product, by=by)]

    change_products(database, [sku], create, warn=nobody_is_told)
    return product
