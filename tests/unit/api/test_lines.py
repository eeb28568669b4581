"""The lines of a body: the same ones however the body arrives, none of a long one, and no part of one that was cut."""

import io
import tracemalloc
from typing import Any

import pytest

from api.lines import BOM, LINE_BYTES_MAX, Line, Upload, read_lines

LONGEST = b"x" * LINE_BYTES_MAX


def lines_of(body: bytes, *, announced: int | None = None) -> list[tuple[int, bytes | None]]:
    upload = Upload(io.BytesIO(body), len(body) if announced is None else announced)
    return [(line.number, line.content) for line in read_lines(upload)]


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"a", [(1, b"a")]),
        (b"a\n", [(1, b"a")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(1, b"a"), (2, b"b")]),
        (b"a\r", [(1, b"a")]),
        (b"\n\r\n  \na\n\n", [(4, b"a")]),
        (b" a \n", [(1, b" a ")]),
        (BOM + b"a\n" + BOM + b"b\n", [(1, b"a"), (2, BOM + b"b")]),
        (BOM, []),
        (BOM + b"\na", [(2, b"a")]),
        (b"a\rb\n", [(1, b"a\rb")]),
        (b"\x00\xff\n", [(1, b"\x00\xff")]),
        ("é\u2028é".encode(), [(1, "é\u2028é".encode())]),
        (LONGEST, [(1, LONGEST)]),
        (LONGEST + b"x", [(1, None)]),
        (LONGEST + b"\na", [(1, LONGEST), (2, b"a")]),
        (LONGEST * 3 + b"\na\n" + LONGEST * 2, [(1, None), (2, b"a"), (3, None)]),
    ],
)
def test_a_body_is_its_lines_without_their_ends(body, lines):
    assert lines_of(body) == lines


class Dripping(io.BytesIO):
    """Gives few bytes at a time, as a slow network does."""

    def read(self, size: Any = -1) -> bytes:
        return super().read(min(size, 3))


def test_lines_are_the_same_however_the_body_arrives():
    body = BOM + b"ab\r\n\r\n" + "é".encode() * 9 + b"\r\n" + b"end"
    dripped = list(read_lines(Upload(Dripping(body), len(body))))
    assert dripped == [Line(number, content) for number, content in lines_of(body)]


@pytest.mark.parametrize(
    ("came", "lines"), [(b"a\nstock,1", [(1, b"a")]), (b"a", []), (b"", []), (b"a\nb\n", [(1, b"a"), (2, b"b")])]
)
def test_the_last_line_of_a_body_that_was_cut_off_is_none(came, lines):
    assert lines_of(came, announced=100) == lines


def test_an_upload_knows_whether_all_of_it_came():
    whole, cut = Upload(io.BytesIO(b"abc"), 3), Upload(io.BytesIO(b"ab"), 3)
    assert [b"".join(upload.chunks()) for upload in (whole, cut)] == [b"abc", b"ab"]
    assert (whole.whole, cut.whole) == (True, False)
    assert str(cut) == "3 bytes were announced, 2 came."


def test_no_more_is_read_than_was_announced():
    stream = io.BytesIO(b"abcdef")
    assert b"".join(Upload(stream, 4).chunks()) == b"abcd"
    assert stream.tell() == 4


class Endless(io.RawIOBase):
    """A line that never ends."""

    def read(self, size: int = -1) -> bytes:
        return b"x" * size


def test_a_line_of_a_hundred_megabytes_takes_no_memory():
    tracemalloc.start()
    try:
        assert list(read_lines(Upload(Endless(), 100_000_000))) == [Line(1, None)]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
