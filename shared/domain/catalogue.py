"""What may be asked of the list of products: filters, and the order of the answer."""

from dataclasses import dataclass
from enum import StrEnum


class ProductSort(StrEnum):
    SKU = "sku"
    NAME = "name"
    PRICE = "price"
    CREATED_AT = "created_at"
    STOCK = "stock"


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """None where anything goes. `text` fits the beginning of the SKU, or each of its words one of the name.

    Prices are in minor units, of whatever currency, both ends included. Ties of the sort are in order of SKU.
    """

    text: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool | None = None
    low_stock: bool | None = None
    sort: ProductSort = ProductSort.SKU
    descending: bool = False
