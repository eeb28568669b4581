"""What people read: tables are aligned, nothing in them moves the terminal, ages are short."""

import pytest

from worker.cli.text import age, cell, table


def test_columns_are_aligned_numbers_to_the_right():
    rows = [["MUG", 2, "1 IDR"], ["TICKET-01", 1000, None]]
    assert table(["sku", "quantity", "total"], rows).splitlines() == [
        "sku        quantity  total",
        "MUG               2  1 IDR",
        "TICKET-01      1000  -",
    ]


def test_a_table_without_rows_is_its_header():
    assert table(["sku", "quantity"], []) == "sku  quantity"


@pytest.mark.parametrize("text", ["\x1b[2Jx", "a\nb", "a\rb", "\u202eabc", "\x9b31m"])
def test_what_others_wrote_can_not_steer_the_terminal(text):
    shown = cell(text)
    assert shown.isprintable()
    assert "\N{REPLACEMENT CHARACTER}" in shown


def test_other_writing_stays_as_it_is():
    assert cell("Kopi susu ☕ größer") == "Kopi susu ☕ größer"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m 0s"), (3_725, "1h 2m"), (90_000, "1d 1h"), (8_640_000, "100d 0h")],
)
def test_an_age_has_its_two_greatest_units(seconds, shown):
    assert age(seconds) == shown
