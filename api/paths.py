"""What may stand in an address for a SKU and for an order id: all but the words that are addresses of their own."""

from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import BaseConverter

from shared.domain.product import RESERVED_SKUS, SKU_PATTERN


class Sku(BaseConverter):
    regex = rf"(?!(?:{'|'.join(sorted(RESERVED_SKUS))})$)[^/]+"
    part_isolating = True


class OrderId(BaseConverter):
    regex = "(?!bulk$)[^/]+"
    part_isolating = True


SCHEMAS: dict[type[BaseConverter], dict[str, Any]] = {
    Sku: {"type": "string", "pattern": f"^{SKU_PATTERN.pattern}$", "examples": ["MUG-01"]},
    OrderId: {"type": "string", "minLength": 1, "examples": ["01936f5e-7b1c-7c3e-9a52-0a6f6a2f9d11"]},
}


def register_paths(app: Flask) -> None:
    app.url_map.converters |= {"sku": Sku, "order_id": OrderId}


def document_paths(api: Api) -> None:
    for converter in SCHEMAS:
        api.register_converter(converter, lambda path: SCHEMAS[type(path)])
