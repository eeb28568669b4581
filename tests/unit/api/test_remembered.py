"""What a body was found to be is remembered, of small ones that came last, and of none that was refused."""

import pytest

from api.orders import order_asked_for
from api.remembered import BODIES_MAX, BODY_BYTES_MAX, remembered


class Reader:
    """Says how often it had to read."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, body: bytes) -> int:
        self.reads += 1
        return int(body)


def test_the_same_bytes_are_read_once():
    reader = Reader()
    read = remembered(reader)
    assert [read(bytes(bytearray(b"7"))) for _ in range(3)] == [7, 7, 7]
    assert read(b"07") == 7
    assert reader.reads == 2


def test_what_is_refused_is_refused_each_time():
    reader = Reader()
    read = remembered(reader)
    for _ in range(3):
        with pytest.raises(ValueError, match="invalid literal"):
            read(b"x")
    assert reader.reads == 3


def test_a_large_body_is_read_each_time():
    reader = Reader()
    read = remembered(reader)
    largest, larger = b"7".zfill(BODY_BYTES_MAX), b"7".zfill(BODY_BYTES_MAX + 1)
    assert [read(body) for body in (largest, largest, larger, larger)] == [7] * 4
    assert reader.reads == 3


def test_no_more_are_remembered_than_fit_and_those_that_came_last_are():
    reader = Reader()
    read = remembered(reader)
    for number in range(BODIES_MAX + 1):
        read(b"%d" % number)
    reader.reads = 0
    read(b"%d" % BODIES_MAX)
    assert reader.reads == 0
    read(b"0")
    assert reader.reads == 1


def test_what_is_remembered_of_an_order_has_nothing_in_it_that_can_be_changed():
    """Whatever can be changed has no hash."""
    assert hash(order_asked_for({"items": [{"sku": "MUG-01", "quantity": 1}], "reference": "cart 7"}))
