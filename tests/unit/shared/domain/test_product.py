"""The form of a SKU."""

import pytest

from shared.domain.product import SKU_PATTERN


@pytest.mark.parametrize("sku", ["a", "0", "MUG-01", "a.b_c-d", "A" * 64])
def test_a_sku_is_letters_digits_and_a_few_signs(sku):
    assert SKU_PATTERN.fullmatch(sku)


@pytest.mark.parametrize(
    "sku", ["", "-a", ".a", "_a", "a b", "a/b", "a\n", "\na", "a\0", "ä", "٣", "A" * 65, "$where", "a:b"]
)
def test_anything_else_is_not_a_sku(sku):
    assert not SKU_PATTERN.fullmatch(sku)
