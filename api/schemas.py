"""What goes in and out, by marshmallow: the source of validation, of the answers and of the OpenAPI document alike."""

import re
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate, validates

from api.idempotency import BARE, QUOTED, RULE, bare_key
from shared.domain.catalogue import ProductSort
from shared.domain.movement import MovementKind
from shared.domain.order import ReasonCode, Status
from shared.domain.product import RESERVED_SKUS, SKU_PATTERN, STOCK_MAX

QUANTITY_MAX = 10_000
LINES_MAX = 50
ROW_PROBLEMS = ("malformed-row", "invalid-row", "product-archived", "sku-repeated")
"""The problem types of single rows of an import."""

BULK_MAX = 1_000
AMOUNT_MAX = 10**10
"""Even 50 lines of 10,000 units then add up to less than 2^53, the largest integer that every JSON reader keeps."""


BLANK = re.compile(r"\s*")

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's category Cc."""


def _readable(text: str) -> None:
    if CONTROL_CHARACTER.search(text):
        raise ValidationError("Must not contain control characters.")
    if BLANK.fullmatch(text):
        raise ValidationError("Must not be blank.")


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


READABLE = r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$"
"""The same for readers of the document, as a pattern of ECMA-262."""


class Text(fields.String):
    """Text that people can read: no control characters, among them NUL."""

    def __init__(self, length_max: int, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        length = validate.Length(min=1, max=length_max)
        metadata = {"pattern": READABLE, **(metadata or {})}
        super().__init__(validate=[length, _readable], metadata=metadata, **kwargs)


class Whole(fields.Integer):
    """A JSON integer, not a text that looks like one. 2.0 is one (JSON Schema, validation, section 6.1.1)."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=low, max=high), **kwargs)

    def _validated(self, value: Any) -> int:
        whole = isinstance(value, float) and value.is_integer()
        return super()._validated(int(value) if whole else value)


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


class BulkEntryIn(OrderIn):
    idempotency_key = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"description": "as the header Idempotency-Key, for this order", "pattern": f"^({BARE}|{QUOTED})$"},
    )

    @validates("idempotency_key")
    def _well_formed(self, key: str | None, **_: Any) -> None:
        if key is not None and bare_key(key) is None:
            raise ValidationError(f"{RULE.capitalize()}.")


class EachOf(ListOf):
    """Each entry by itself: what it is, or the `ValidationError` that says what is wrong with it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:  # noqa: ARG002 - marshmallow's
        if not isinstance(value, list):
            raise self.make_error("invalid")
        self._validate(value)
        return [self._entry_or_error(entry, data, **kwargs) for entry in value]

    def _entry_or_error(self, entry: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return self.inner.deserialize(entry, data=data, **kwargs)
        except ValidationError as error:
            return error


class BulkIn(Input):
    orders = EachOf(BulkEntryIn, 1, BULK_MAX, required=True)


class PurchaseIn(Input):
    quantity = Whole(1, QUANTITY_MAX, required=True)


class ProductIn(Input):
    sku = NewSku(required=True)
    name = Text(200, required=True)
    description = Text(5_000, load_default=None, allow_none=True)
    price = fields.Nested(MoneyIn, required=True)
    stock = Whole(0, STOCK_MAX, load_default=0)
    low_stock_threshold = Threshold(load_default=None)


class ProductPatchIn(Input):
    name = Text(200)
    description = Text(5_000, allow_none=True)
    price = fields.Nested(MoneyIn)
    low_stock_threshold = Threshold()


class AdjustmentIn(Input):
    delta = Whole(
        -STOCK_MAX, STOCK_MAX, required=True, metadata={"description": "what is added; not zero", "not": {"const": 0}}
    )
    reason = Text(255, required=True, metadata={"example": "delivery 4711"})

    @validates("delta")
    def _moves_something(self, delta: int, **_: Any) -> None:
        if delta == 0:
            raise ValidationError("Must not be zero.")


class QueryWhole(fields.Integer):
    """A whole number in a query, in plain digits."""

    def __init__(self, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(min=low, max=high), **kwargs)

    def _validated(self, value: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


class QueryFlag(fields.Boolean):
    """`true` or `false`, and nothing that looks like them."""

    truthy = {"true"}  # noqa: RUF012 - as marshmallow declares them
    falsy = {"false"}  # noqa: RUF012


class Moment(fields.AwareDateTime):
    """RFC 3339, with its offset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)


class PageIn(Input):
    limit = QueryWhole(1, 100, load_default=20)
    cursor = fields.String(load_default=None, metadata={"description": "`next_cursor` of the page before"})


class OrderListIn(PageIn):
    status = fields.Enum(Status, by_value=True, load_default=None)
    sku = Sku(load_default=None)
    customer = fields.String(load_default=None, metadata={"description": "needs the scope `ops`"})
    created_after = Moment(load_default=None, metadata={"description": "accepted then or later"})
    created_before = Moment(load_default=None, metadata={"description": "accepted before then"})


class ProductListIn(PageIn):
    q = Text(
        100, load_default=None, metadata={"description": "the beginning of the SKU, or words of the name, in any case"}
    )
    sort = fields.String(
        load_default=ProductSort.SKU.value,
        validate=validate.OneOf([sign + sort.value for sort in ProductSort for sign in ("", "-")]),
        metadata={"description": "with a hyphen: descending. Ties are in order of SKU, in the same direction"},
    )
    min_price = QueryWhole(0, AMOUNT_MAX, load_default=None, metadata={"description": "in minor units"})
    max_price = QueryWhole(0, AMOUNT_MAX, load_default=None, metadata={"description": "in minor units"})
    in_stock = QueryFlag(load_default=None)
    low_stock = QueryFlag(load_default=None)


class NextCursor(fields.String):
    def __init__(self) -> None:
        super().__init__(required=True, allow_none=True, metadata={"description": "null on the last page"})


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


class BulkResultOut(Schema):
    """Either the order or the problem."""

    order = fields.Nested(OrderOut)
    replayed = fields.Boolean(metadata={"description": "the order is the one that the same entry made before"})
    problem = fields.Nested("ProblemOut")


class BulkOut(Schema):
    results = fields.List(
        fields.Nested(BulkResultOut), required=True, metadata={"description": "one an entry, in the order given"}
    )


class OrderPageOut(Schema):
    items = fields.List(fields.Nested(OrderOut), required=True)
    next_cursor = NextCursor()


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


class ProductPageOut(Schema):
    items = fields.List(fields.Nested(ProductOut), required=True)
    next_cursor = NextCursor()


class MovementOut(Schema):
    id = fields.String(attribute="movement_id", required=True)
    sku = fields.String(required=True)
    kind = fields.Enum(MovementKind, by_value=True, required=True)
    delta = fields.Integer(required=True)
    reference = fields.String(required=True, metadata={"description": "what caused it: the order's id for a sale"})
    reason = fields.String(required=True, allow_none=True)
    by = fields.String(required=True, allow_none=True, metadata={"description": "the subject of who asked for it"})
    at = fields.AwareDateTime(required=True)


class MovementPageOut(Schema):
    items = fields.List(fields.Nested(MovementOut), required=True)
    next_cursor = NextCursor()


class RowProblemOut(Schema):
    line = fields.Integer(
        required=True, metadata={"description": "of the file, counted from 1, a header and blank ones too"}
    )
    sku = fields.String(metadata={"description": "missing where the row has none that could be one"})
    type = fields.String(required=True, validate=validate.OneOf([f"/problems/{slug}" for slug in ROW_PROBLEMS]))
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
