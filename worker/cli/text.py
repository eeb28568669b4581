"""What people read: tables, times, ages and amounts, as plain text that is safe to show in a terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.domain.money import Money
from shared.domain.order import Reason

NOTHING = "-"

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Seconds in each."""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A line each, the columns aligned: numbers to the right, the rest to the left."""
    rows = list(rows)
    cells = [[cell(value) for value in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [bool(rows) and all(isinstance(row[place], int | None) for row in rows) for place in range(len(header))]
    return "\n".join(_line(line, widths, right) for line in cells)


def cell(value: object) -> str:
    """What a customer wrote may have control characters, which a terminal would obey."""
    text = NOTHING if value is None else str(value)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def time(moment: datetime | None) -> str | None:
    """UTC, in seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def age(seconds: float) -> str:
    """The two greatest units: `2d 3h`, `10m 0s`, `7s`."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        if count or parts or unit == "s":
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def money(amount: Money | None) -> str | None:
    """In minor units, as everywhere."""
    return f"{amount.amount} {amount.currency}" if amount else None


def reason_code(reason: Reason | None) -> str | None:
    return reason.code.value if reason else None


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        text.rjust(width) if to_the_right else text.ljust(width)
        for text, width, to_the_right in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()
