"""Products as rows of a file, NDJSON or CSV, both ways: what is written here is read here again. A row is a line."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from api.csv_records import cells, records
from api.lines import LINE_BYTES_MAX, Line
from api.strict_json import loads
from shared.domain.product import Product

REQUIRED_COLUMNS = ("sku", "name", "price_amount", "price_currency")
COLUMNS = ("sku", "name", "description", "price_amount", "price_currency", "stock", "low_stock_threshold")

SHOWN_MAX = 10
"""Columns of a header that are shown again in its refusal, and as many dozens of their characters at the most."""

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class UnreadableFile(Exception):
    """Nothing of the file can be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row in the form of the body of POST /v1/products, not yet held against its schema."""

    line: int
    value: Any


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    line: int
    detail: str


Rows = Iterator[RawRow | UnreadableRow]


@dataclass(frozen=True, slots=True)
class Format:
    """`header` is what a file begins with, `written` one product; `named` are a row's errors by its own names."""

    media_type: str
    extension: str
    read: Callable[[Iterable[Line]], Rows]
    header: str
    written: Callable[[Product], str]
    broken_off: str
    named: Callable[[Mapping[str, Any]], Mapping[str, Any]]

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


def _read_ndjson(lines: Iterable[Line]) -> Rows:
    for line in lines:
        yield _read(line, loads)


def _read_csv(lines: Iterable[Line]) -> Rows:
    """The first line, which there must be, is the header. Raises `UnreadableFile`."""
    rest = iter(lines)
    columns = _columns(next(rest))
    for record in records(rest, len(columns)):
        if record.lines > 1:
            detail = f"A quoted field goes on over {record.lines} lines; fields can't hold line breaks."
            yield UnreadableRow(record.first.number, detail)
        else:
            yield _read(record.first, lambda text: _from_cells(columns, cells(text)))


def _read(line: Line, parse: Callable[[str], Any]) -> RawRow | UnreadableRow:
    try:
        return RawRow(line.number, parse(_text(line)))
    except (ValueError, csv.Error) as error:
        return UnreadableRow(line.number, f"{_sentence(error)}.")


def _text(line: Line) -> str:
    if line.content is None:
        raise ValueError(f"The line is longer than {LINE_BYTES_MAX} bytes")
    return line.content.decode()


def _sentence(error: Exception) -> str:
    """What the decoders say of an error, without the bytes that they said it of."""
    match error:
        case UnicodeDecodeError(start=start):
            return f"Byte {start + 1} of the line is not UTF-8"
        case orjson.JSONDecodeError(msg=message, colno=column):
            return f"Not JSON: {message}, column {column}"
        case csv.Error():
            return f"Not CSV: {error}"
    return str(error)


def _columns(header: Line) -> list[str]:
    try:
        columns = cells(_text(header))
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(f"The header can't be read. {_sentence(error)}.") from None
    wrong = {
        "missing": [column for column in REQUIRED_COLUMNS if column not in columns],
        "unknown": [column for column in columns if column not in COLUMNS],
        "twice": [column for column in COLUMNS if columns.count(column) > 1],
    }
    if found := [f"{what}: {_shown(names)}" for what, names in wrong.items() if names]:
        raise UnreadableFile(f"The columns are not those of products; {'; '.join(found)}. They are: {_shown(COLUMNS)}.")
    return columns


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
    return ", ".join(name[: SHOWN_MAX * 12] or "(no name)" for name in names[:SHOWN_MAX]) + more


def _from_cells(columns: Sequence[str], found: Sequence[str]) -> dict[str, Any]:
    if len(found) != len(columns):
        raise ValueError(f"The line has {len(found)} fields, the header {len(columns)}")
    cell = dict(zip(columns, found, strict=True))
    row: dict[str, Any] = {
        "sku": cell["sku"],
        "name": cell["name"],
        "price": {"amount": _whole(cell["price_amount"]), "currency": cell["price_currency"]},
    }
    if "description" in cell:
        row["description"] = cell["description"] or None
    if "low_stock_threshold" in cell:
        row["low_stock_threshold"] = _whole(cell["low_stock_threshold"]) if cell["low_stock_threshold"] else None
    if cell.get("stock"):
        row["stock"] = _whole(cell["stock"])
    return row


def _whole(cell: str) -> int | str:
    """What is not plain digits stays as it is, for the schema to refuse."""
    return int(cell) if WHOLE_NUMBER.fullmatch(cell) else cell


def _by_column(errors: Mapping[str, Any]) -> Mapping[str, Any]:
    price = errors.get("price", {})
    others = {name: messages for name, messages in errors.items() if name != "price"}
    return others | {f"price_{name}": messages for name, messages in price.items()}


def _written_ndjson(product: Product) -> str:
    row = {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": {"amount": product.price.amount, "currency": product.price.currency},
        "stock": product.stock,
        "low_stock_threshold": product.low_stock_threshold,
    }
    return orjson.dumps(row).decode() + "\n"


def _written_csv(product: Product) -> str:
    price = product.price
    about = (product.sku, product.name, product.description, price.amount, price.currency)
    return _record((*about, product.stock, product.low_stock_threshold))


def _record(cells: Iterable[object]) -> str:
    """RFC 4180."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


BROKEN_OFF = "incomplete: the export broke off here"
"""The last line of a file that has not all products. Read as a row it is a bad one."""

NDJSON = Format(
    media_type="application/x-ndjson",
    extension="ndjson",
    read=_read_ndjson,
    header="",
    written=_written_ndjson,
    broken_off=orjson.dumps({"error": BROKEN_OFF}).decode() + "\n",
    named=lambda errors: errors,
)
CSV = Format(
    media_type="text/csv",
    extension="csv",
    read=_read_csv,
    header=_record(COLUMNS),
    written=_written_csv,
    broken_off=_record([BROKEN_OFF]),
    named=_by_column,
)
FORMATS = (NDJSON, CSV)
