"""What goes in and out, by marshmallow: the source of validation, of the answers and of the OpenAPI document alike."""

import re
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate

from shared.domain.order import ReasonCode, Status
from shared.domain.product import RESERVED_SKUS, SKU_PATTERN, STOCK_MAX

QUANTITY_MAX = 10_000
LINES_MAX = 50
AMOUNT_MAX = 10**10
"""Even 50 lines of 10,000 units then add up to less than 2^53, the largest integer that every JSON reader keeps."""


CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's category Cc."""


def _no_control_characters(text: str) -> None:
    if CONTROL_CHARACTER.search(text):
        raise ValidationError("Must not contain control characters.")


class Input(Schema):
    class Meta:
        unknown = RAISE


class Sku(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        pattern = validate.Regexp(
            rf"\A(?:{SKU_PATTERN.pattern})\Z",
            error="Must be 1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or a digit.",
        )
        metadata = {"pattern": f"^{SKU_PATTERN.pattern}$", "example": "MUG-01"}
        super().__init__(validate=pattern, metadata=metadata, **kwargs)


class NewSku(Sku):
    """Not a word that stands for something else at the same place of an address."""

    def _validate(self, value: Any) -> None:
        super()._validate(value)
        if value in RESERVED_SKUS:
            raise ValidationError(f"{value} is reserved: it is an address of its own.")


class Text(fields.String):
    """Text that people can read: no control characters, among them NUL."""

    def __init__(self, length_max: int, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Length(min=1, max=length_max), _no_control_characters], **kwargs)


class Whole(fields.Integer):
    """A JSON integer, not a text or a fraction that looks like one."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=low, max=high), **kwargs)


class Threshold(Whole):
    def __init__(self, **kwargs: Any) -> None:
        metadata = {"description": "the stock at or below which the product is low; null for never"}
        super().__init__(0, STOCK_MAX, allow_none=True, metadata=metadata, **kwargs)


class ListOf(fields.List[dict[str, Any]]):
    """A list whose length is checked before its entries, so that a body full of bad ones is refused at once."""

    def __init__(self, entry: type[Schema], low: int, high: int, **kwargs: Any) -> None:
        super().__init__(fields.Nested(entry), validate=validate.Length(min=low, max=high), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
        return super()._deserialize(value, *args, **kwargs)


class MoneyIn(Input):
    amount = Whole(0, AMOUNT_MAX, required=True, metadata={"description": "in minor units", "example": 12500})
    currency = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[A-Z]{3}\Z", error="Must be an ISO 4217 code, such as EUR."),
        metadata={"pattern": "^[A-Z]{3}$", "example": "EUR"},
    )


class LineIn(Input):
    sku = Sku(required=True)
    quantity = Whole(1, QUANTITY_MAX, required=True)


class OrderIn(Input):
    items = ListOf(LineIn, 1, LINES_MAX, required=True)
    reference = Text(255, load_default=None, allow_none=True, metadata={"description": "the caller's own name for it"})


class PurchaseIn(Input):
    quantity = Whole(1, QUANTITY_MAX, required=True)


class ProductIn(Input):
    sku = NewSku(required=True)
    name = Text(200, required=True)
    description = Text(5_000, load_default=None, allow_none=True)
    price = fields.Nested(MoneyIn, required=True)
    stock = Whole(0, STOCK_MAX, load_default=0)
    low_stock_threshold = Threshold(load_default=None)


class MoneyOut(Schema):
    amount = fields.Integer(required=True)
    currency = fields.String(required=True)


class LineOut(Schema):
    sku = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price = fields.Nested(MoneyOut, required=True, allow_none=True)


class RefusedLineOut(Schema):
    sku = fields.String(required=True)
    requested = fields.Integer(required=True)
    available = fields.Integer(required=True, allow_none=True)


class ReasonOut(Schema):
    code = fields.Enum(ReasonCode, by_value=True, required=True)
    lines = fields.List(fields.Nested(RefusedLineOut), required=True)


class HistoryEntryOut(Schema):
    status = fields.Enum(Status, by_value=True, required=True)
    at = fields.AwareDateTime(required=True)


class OrderOut(Schema):
    id = fields.String(attribute="order_id", required=True)
    status = fields.Enum(Status, by_value=True, required=True)
    customer = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    items = fields.List(fields.Nested(LineOut), required=True)
    total = fields.Nested(MoneyOut, required=True, allow_none=True)
    reason = fields.Nested(ReasonOut, required=True, allow_none=True)
    history = fields.List(fields.Nested(HistoryEntryOut), required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class ProductOut(Schema):
    sku = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    price = fields.Nested(MoneyOut, required=True)
    stock = fields.Integer(required=True)
    low_stock_threshold = fields.Integer(required=True, allow_none=True)
    low_stock = fields.Boolean(required=True, metadata={"description": "stock at or below the threshold"})
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class RowProblemOut(Schema):
    line = fields.Integer(
        required=True, metadata={"description": "of the file, counted from 1, a header and blank ones too"}
    )
    sku = fields.String(metadata={"description": "missing where the row has none that could be one"})
    type = fields.String(required=True, metadata={"example": "/problems/invalid-row"})
    title = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), metadata={"description": "by field"})


class ImportOut(Schema):
    rows = fields.Integer(required=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    problems = fields.List(fields.Nested(RowProblemOut), required=True)
    problems_omitted = fields.Integer(required=True, metadata={"description": "failed rows beyond those in problems"})


class ProblemOut(Schema):
    """RFC 9457. A problem type may have members of its own, such as `errors` by field."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"example": "/problems/invalid-request"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)


class ProblemTypeOut(Schema):
    type = fields.String(required=True, metadata={"example": "/problems/invalid-request"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)


class LivenessOut(Schema):
    status = fields.String(required=True, validate=validate.Equal("ok"))


class HealthOut(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["ready", "degraded", "unavailable"]))
    checks = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String()), required=True)
