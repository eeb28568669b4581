"""Rows of a file held against the schema of POST /v1/products, so that both take and refuse the same."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from marshmallow import ValidationError

from api.product_rows import Format, RawRow, UnreadableRow
from api.schemas import ProductIn
from shared.domain.money import Money
from shared.domain.product import SKU_PATTERN
from shared.domain.product_import import NOT_GIVEN, BadRow, ProductRow, RowFault

ERRORS_BYTES_MAX = 2_000
"""Of one row, as JSON: a row can have thousands of fields that are unknown, and nobody reads them."""

ROWS_MAX = 500_000
"""Of one file: which SKUs it had is kept until its end."""

row_in = ProductIn(partial=tuple(NOT_GIVEN))
"""What a row does not give is missing from what is loaded, instead of having its default."""


def checked(rows: Iterable[RawRow | UnreadableRow], file_format: Format) -> Iterator[ProductRow | BadRow]:
    for number, row in enumerate(rows):
        if number >= ROWS_MAX:
            yield BadRow(row.line, RowFault.UNREADABLE, f"A file has at most {ROWS_MAX} rows: send it in parts.")
        elif isinstance(row, UnreadableRow):
            yield BadRow(row.line, RowFault.UNREADABLE, row.detail)
        else:
            yield _checked(row, file_format)


def _checked(row: RawRow, file_format: Format) -> ProductRow | BadRow:
    try:
        values = row_in.load(row.value)
    except ValidationError as error:
        messages: dict[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
        return _invalid(row, file_format.named(messages))
    price = Money(**values.pop("price"))
    return ProductRow(row.line, values.pop("sku"), {**values, "price": price})


def _invalid(row: RawRow, errors: Mapping[str, Any]) -> BadRow:
    sku = _sku_of(row.value)
    if len(orjson.dumps(errors, option=orjson.OPT_NON_STR_KEYS)) > ERRORS_BYTES_MAX:
        return BadRow(row.line, RowFault.INVALID, "Too much is wrong with it to be listed.", sku)
    return BadRow(row.line, RowFault.INVALID, "See errors, by field.", sku, errors)


def _sku_of(value: object) -> str | None:
    sku = value.get("sku") if isinstance(value, dict) else None
    return sku if isinstance(sku, str) and SKU_PATTERN.fullmatch(sku) else None
