"""What a product is: the thing with a SKU, a price and a stock."""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.domain.money import Money

SKU_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Product:
    """`version` goes up by one with every change, of the stock too."""

    sku: str
    name: str
    description: str | None
    price: Money
    stock: int
    version: int
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime
