"""The lines of a body as it arrives, in bounded memory, however long the body or a line is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from werkzeug.exceptions import ClientDisconnected

CHUNK_BYTES = 65_536

LINE_BYTES_MAX = 131_072
"""More than any row needs: 5,200 characters, each escaped as twelve (`\\ud83d\\ude00`), are 62,400 bytes."""

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """`content` without its line's end; None when it was too long to be looked at. Lines are counted from 1."""

    number: int
    content: bytes | None


class Upload:
    """A body of which the length was announced, read as it comes.

    Where the connection breaks, Granian's stream ends without an error (others raise one): the announced length tells.
    """

    def __init__(self, stream: IO[bytes], announced: int) -> None:
        self._stream = stream
        self._announced = announced
        self._missing = announced

    @property
    def whole(self) -> bool:
        return self._missing == 0

    def __str__(self) -> str:
        return f"{self._announced} bytes were announced, {self._announced - self._missing} came."

    def chunks(self) -> Iterator[bytes]:
        while chunk := self._read():
            self._missing -= len(chunk)
            yield chunk

    def _read(self) -> bytes:
        try:
            return self._stream.read(min(CHUNK_BYTES, self._missing))
        except ClientDisconnected:
            return b""


def read_lines(upload: Upload) -> Iterator[Line]:
    """All but blank ones; a mark of the byte order at the start is passed over.

    What follows the last line's end of a body that was cut off is not a line: half a number would pass for a whole one.
    """
    for number, content in enumerate(_split(upload), start=1):
        if number == 1 and content is not None:
            content = content.removeprefix(BOM)
        if content is None or content.strip():
            yield Line(number, content)


def _split(upload: Upload) -> Iterator[bytes | None]:
    rest, too_long = b"", False
    for chunk in upload.chunks():
        *ended, rest = (rest + chunk).split(b"\n")
        for line in ended:
            yield None if too_long or len(line) > LINE_BYTES_MAX else line.removesuffix(b"\r")
            too_long = False
        if len(rest) > LINE_BYTES_MAX:
            rest, too_long = b"", True
    if upload.whole and (rest or too_long):
        yield None if too_long else rest.removesuffix(b"\r")
