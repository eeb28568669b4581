"""Creating a product, with the ledger entry of its first stock."""

from pymongo.database import Database

from shared.clock import now
from shared.domain.money import Money
from shared.domain.product import Product
from shared.store.connection import Document
from shared.store.products import insert_product


def create_product(
    database: Database[Document], *, sku: str, name: str, description: str | None, price: Money, stock: int
) -> Product:
    """Raises `SkuTaken`, `Unavailable`."""
    at = now()
    product = Product(
        sku=sku,
        name=name,
        description=description,
        price=price,
        stock=stock,
        version=1,
        archived_at=None,
        created_at=at,
        updated_at=at,
    )
    insert_product(database, product)
    return product
