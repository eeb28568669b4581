"""Where the records of a CSV begin and end: at the ends of lines, except that a quoted field may hold some.

Such a record is found, so that it can be refused as the one row that it is: what stands on its middle lines is text of
a field, and must not pass for rows of its own. A quote that is merely left open spoils its own line and not the file.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from api.lines import Line

CONTINUED_LINES_MAX = 100
"""Further lines in which the end of an open quote is looked for."""


class Record(NamedTuple):
    """`lines` is 1, or how many lines the record goes over, which makes it one that can't be taken."""

    first: Line
    lines: int


def records(lines: Iterable[Line], fields: int) -> Iterator[Record]:
    """`fields` is how many a record has."""
    rest = iter(lines)
    ahead: deque[Line] = deque()
    while True:
        first = ahead.popleft() if ahead else next(rest, None)
        if first is None:
            return
        if not _leaves_a_quote_open(first):
            yield Record(first, 1)
            continue
        ahead.extend(islice(rest, CONTINUED_LINES_MAX - len(ahead)))
        continued = _continued(first, ahead, fields)
        for _ in range(continued):
            ahead.popleft()
        yield Record(first, 1 + continued)


def cells(text: str) -> list[str]:
    """Raises `csv.Error`."""
    [found] = csv.reader([text], strict=True)
    return found


def _continued(first: Line, ahead: Iterable[Line], fields: int) -> int:
    """How many lines belong to the first one; none when its quote is not closed, or not so that a record comes out."""
    texts = [first.content or b""]
    for line in ahead:
        texts.append(line.content or b"")
        if _leaves_a_quote_open(line):
            break
    else:
        return 0
    try:
        # As one line: what matters is where the fields end.
        complete = len(cells(b" ".join(texts).decode())) == fields
    except (ValueError, csv.Error):
        return 0
    return len(texts) - 1 if complete else 0


def _leaves_a_quote_open(line: Line) -> bool:
    """Or closes it: a quote in a quoted field is written twice, so only the ends of fields make the number odd."""
    return (line.content or b"").count(b'"') % 2 == 1
