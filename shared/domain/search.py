"""How a text is searched: in words, without regard to case or to the ways in which Unicode writes one character."""

import re
import unicodedata

_WORD = re.compile(r"\w+")


def folded(text: str) -> str:
    """The form in which texts are compared: Unicode's NFKC, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> list[str]:
    """Each word once, in the order of the text, folded."""
    return list(dict.fromkeys(_WORD.findall(folded(text))))
