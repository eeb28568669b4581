"""Where the records of a CSV end: line breaks in quotes make one record, a quote that is left open spoils one line."""

import pytest

from api.csv_records import CONTINUED_LINES_MAX, records
from api.lines import Line


def split(*lines: str, fields: int = 3) -> list[tuple[int, int]]:
    """The first line's number and how many lines it has, of each record."""
    numbered = [Line(number, line.encode()) for number, line in enumerate(lines, 1)]
    return [(record.first.number, record.lines) for record in records(numbered, fields)]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], []),
        (["a,b,c", "d,e,f"], [(1, 1), (2, 1)]),
        (['a,"b,""c""",d', "d,e,f"], [(1, 1), (2, 1)]),
        (['a,"b', 'c",d', "d,e,f"], [(1, 2), (3, 1)]),
        (['a,b,"c', "X,Y,Z", 'end"', "d,e,f"], [(1, 3), (4, 1)]),
        (['a,b,"c ""quoted""', 'still ""inside""', 'end"'], [(1, 3)]),
        (['a,"b,c', "d,e,f", "g,h,i"], [(1, 1), (2, 1), (3, 1)]),
        (['a,"b,c', 'd,"e",f', "g,h,i"], [(1, 1), (2, 1), (3, 1)]),
        (['a,"b,c', 'd,e",f,g,h', "g,h,i"], [(1, 1), (2, 1), (3, 1)]),
        (['a,"b', 'c",d', 'e,"f', 'g",h'], [(1, 2), (3, 2)]),
    ],
    ids=str,
)
def test_a_record_ends_with_its_line_unless_a_quoted_field_goes_on(lines, found):
    assert split(*lines) == found


def test_the_end_of_a_quote_is_not_looked_for_for_ever():
    middle = ["x,y,z"] * CONTINUED_LINES_MAX
    assert split('a,b,"c', *middle[1:], 'end"') == [(1, CONTINUED_LINES_MAX + 1)]
    assert len(split('a,b,"c', *middle, 'end"')) == CONTINUED_LINES_MAX + 2


def test_no_line_is_lost_or_doubled_whatever_is_open():
    lines = [f'{n},"x' if n % 3 == 0 else f"{n},y" for n in range(500)]
    covered = [number + more for number, count in split(*lines, fields=9) for more in range(count)]
    assert covered == list(range(1, 501))
