"""How texts are cut into words and compared."""

import pytest

from shared.domain.search import folded, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" - ", []),
        ("Blue mug", ["blue", "mug"]),
        ("Blue,blue BLUE", ["blue"]),
        ("T-Shirt (XL)", ["t", "shirt", "xl"]),
        ("Straße", ["strasse"]),
        ("\uff2d\uff55\uff47", ["mug"]),
        ("Kaffee 250g", ["kaffee", "250g"]),
        ("赤い マグ", ["赤い", "マグ"]),
    ],
)
def test_a_text_is_its_words_each_once(text, words):
    assert words_of(text) == words


def test_texts_that_differ_in_case_or_in_how_unicode_writes_them_are_the_same():
    assert folded("Ä") == folded("ä") == folded("A\u0308")
    assert folded("MUG-01") == "mug-01"
