"""What each input schema takes and refuses: JSON as orjson reads it, before any view sees it."""

from typing import Any

import orjson
import pytest
from marshmallow import Schema, ValidationError

from api.schemas import OrderIn, ProductIn, PurchaseIn

LINE = {"sku": "MUG-01", "quantity": 1}
ORDER = {"items": [LINE]}
PRODUCT = {"sku": "MUG-01", "name": "A mug", "price": {"amount": 12_500, "currency": "IDR"}}


def refused(schema: Schema, body: Any) -> dict[str, Any]:
    """The errors by field. What is loaded has been JSON, with its numbers as orjson reads them."""
    with pytest.raises(ValidationError) as refusal:
        schema.load(orjson.loads(body if isinstance(body, bytes) else orjson.dumps(body)))
    return refusal.value.normalized_messages()


NO_QUANTITIES = [
    0,
    -1,
    10_001,
    2**63,
    2**64 - 1,
    -(2**63),
    True,
    False,
    "1",
    "",
    1.5,
    1e300,
    None,
    [],
    {},
    [1],
    {"$gt": 0},
]
NO_SKUS = [
    "", " ", "-MUG", "MUG 01", "MUG/01", "MUG\n", "\nMUG", "MUG\0", "M" * 65, "Müg", "$where", 1, True, None, ["MUG"],
    {"$gt": ""},
]  # fmt: skip
NO_TEXTS = ["", "a\0b", "a\nb", "\t", "\x1b[31m", "\x7f", "\x85", "\x9b", 1, True, ["a"], {"$gt": ""}]


@pytest.mark.parametrize("quantity", NO_QUANTITIES)
def test_what_is_not_a_whole_number_from_1_to_10000_is_no_quantity(quantity):
    assert list(refused(PurchaseIn(), {"quantity": quantity})) == ["quantity"]
    assert list(refused(OrderIn(), {"items": [{**LINE, "quantity": quantity}]})["items"][0]) == ["quantity"]


def test_a_number_beyond_any_integer_is_no_quantity():
    assert list(refused(PurchaseIn(), b'{"quantity": 1%s}' % (b"0" * 100))) == ["quantity"]


def test_a_whole_number_may_be_written_with_a_zero_after_the_point():
    loaded = PurchaseIn().load({"quantity": 2.0})["quantity"]
    assert (loaded, type(loaded)) == (2, int)


@pytest.mark.parametrize("quantity", [1, 10_000])
def test_a_quantity_may_be_as_small_as_1_and_as_large_as_10000(quantity):
    assert PurchaseIn().load({"quantity": quantity}) == {"quantity": quantity}


@pytest.mark.parametrize("sku", NO_SKUS)
def test_what_has_not_its_form_is_no_sku(sku):
    assert list(refused(OrderIn(), {"items": [{**LINE, "sku": sku}]})["items"][0]) == ["sku"]
    assert list(refused(ProductIn(), {**PRODUCT, "sku": sku})) == ["sku"]


@pytest.mark.parametrize("items", [[], [LINE] * 51, None, {}, "MUG-01", 1, {"0": LINE}])
def test_an_order_has_1_to_50_lines(items):
    assert list(refused(OrderIn(), {"items": items})) == ["items"]


@pytest.mark.parametrize("line", [None, 1, "MUG-01", [], [LINE]])
def test_a_line_is_an_object(line):
    assert list(refused(OrderIn(), {"items": [LINE, line]})["items"]) == [1]


def test_the_entries_of_a_list_that_is_too_long_are_not_even_looked_at():
    assert refused(OrderIn(), {"items": [{}] * 51}) == {"items": ["Length must be between 1 and 50."]}


@pytest.mark.parametrize("reference", [*NO_TEXTS, "a" * 256])
def test_a_reference_is_readable_text_of_1_to_255_characters(reference):
    assert list(refused(OrderIn(), {**ORDER, "reference": reference})) == ["reference"]


@pytest.mark.parametrize("reference", [None, "a", "a" * 255, "Größe 12, 訂單"])
def test_a_reference_may_be_left_out_or_be_any_readable_text(reference):
    assert OrderIn().load({**ORDER, "reference": reference})["reference"] == reference
    assert OrderIn().load(ORDER)["reference"] is None


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (OrderIn(), {**ORDER, "customer": "bob"}),
        (OrderIn(), {**ORDER, "$where": "1"}),
        (PurchaseIn(), {"quantity": 1, "sku": "MUG-01"}),
        (ProductIn(), {**PRODUCT, "version": 1}),
    ],
)
def test_unknown_fields_are_refused(schema, body):
    assert list(refused(schema, body).values()) == [["Unknown field."]]


def test_unknown_fields_of_a_line_are_refused():
    assert refused(OrderIn(), {"items": [{**LINE, "unit_price": 0}]}) == {
        "items": {0: {"unit_price": ["Unknown field."]}}
    }


@pytest.mark.parametrize(
    ("schema", "required"),
    [(OrderIn(), ["items"]), (PurchaseIn(), ["quantity"]), (ProductIn(), ["name", "price", "sku"])],
)
def test_what_is_missing_is_named(schema, required):
    assert sorted(refused(schema, {})) == required


@pytest.mark.parametrize("schema", [OrderIn(), PurchaseIn(), ProductIn()])
@pytest.mark.parametrize("body", [None, [], [{}], "text", 1, True])
def test_a_body_is_an_object(schema, body):
    assert list(refused(schema, body)) == ["_schema"]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", [*NO_TEXTS, None, "a" * 201]),
        ("description", [*NO_TEXTS, "a" * 5_001]),
        ("stock", [-1, 10**12 + 1, True, "1", 1.5, None, {}]),
        ("price", [None, 12_500, "125 IDR", [], {"amount": 1}, {"currency": "EUR"}]),
    ],
)
def test_a_product_with_a_wrong_field_is_refused_by_its_name(field, values):
    for value in values:
        assert list(refused(ProductIn(), {**PRODUCT, field: value})) == [field], value


@pytest.mark.parametrize(
    ("amount", "currency", "wrong"),
    [(amount, "EUR", "amount") for amount in (-1, 10**12 + 1, 2**63, True, "1", 1.5, None)]
    + [(1, currency, "currency") for currency in ("", "eur", "EU", "EURO", "EUR\n", "ÄÖÜ", 978, None, ["EUR"])],
)
def test_a_price_is_minor_units_in_an_iso_4217_currency(amount, currency, wrong):
    price = {"amount": amount, "currency": currency}
    assert list(refused(ProductIn(), {**PRODUCT, "price": price})["price"]) == [wrong]


def test_a_product_needs_no_description_no_stock_and_no_threshold():
    assert ProductIn().load(PRODUCT) == {**PRODUCT, "description": None, "stock": 0, "low_stock_threshold": None}


@pytest.mark.parametrize("sku", ["import", "export"])
def test_a_sku_that_is_an_address_of_its_own_is_refused(sku):
    with pytest.raises(ValidationError, match="reserved"):
        ProductIn().load({**PRODUCT, "sku": sku})


@pytest.mark.parametrize("stock", [0, 10**12])
def test_a_product_is_taken_as_it_is_given(stock):
    price = {"amount": 0, "currency": "EUR"}
    product = {**PRODUCT, "description": "Blue.", "stock": stock, "low_stock_threshold": stock, "price": price}
    assert ProductIn().load(product) == product
