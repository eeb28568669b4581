"""The file of a backup: a gzip stream of BSON documents, with what it must hold at its end.

    {"backup": "order-processor", "version": 1, "taken_at": ...}
    {"collection": name, "indexes": [...]}      each collection, and after it
    {"document": {...}}                         each of its documents, in order of `_id`, byte by byte as it was stored
    {"end": [{"collection", "count", "sha256"}, ...]}

A file without its end, or whose documents are not those that the end counts, is refused before anything is written.
https://bsonspec.org/spec.html
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from bson import InvalidBSON, decode, decode_file_iter, encode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from local.errors import BackupUnusable

NAME = "order-processor"
VERSION = 1

RAW = CodecOptions(document_class=RawBSONDocument, tz_aware=True)
"""Documents pass through as the bytes that they are: nothing is decoded, so nothing can change."""

COMPRESSION = 3
"""Of gzip: 9 would take longer than reading MongoDB does."""


@dataclass(slots=True)
class Tally:
    """How many documents a collection has, and the SHA-256 of all of them in order of `_id`."""

    count: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, document: RawBSONDocument) -> None:
        self.count += 1
        self.digest.update(document.raw)

    @property
    def sha256(self) -> str:
        return str(self.digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Collection:
    name: str
    indexes: list[dict[str, Any]]
    """As `listIndexes` shows them, without that of `_id`."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a backup: its count and hash for each collection."""

    taken_at: datetime
    collections: dict[str, tuple[int, str]]

    def documents(self) -> int:
        return sum(count for count, _ in self.collections.values())


class BackupWriter:
    def __init__(self, out: BinaryIO, taken_at: datetime) -> None:
        self._out = out
        self._taken_at = taken_at
        self._tallies: dict[str, Tally] = {}
        self._out.write(encode({"backup": NAME, "version": VERSION, "taken_at": taken_at}))

    def add_collection(self, collection: Collection, documents: Iterator[RawBSONDocument]) -> None:
        tally = self._tallies[collection.name] = Tally()
        self._out.write(encode({"collection": collection.name, "indexes": collection.indexes}))
        for document in documents:
            tally.add(document)
            self._out.write(encode({"document": document}))

    def finish(self) -> Contents:
        contents = Contents(self._taken_at, {name: (t.count, t.sha256) for name, t in self._tallies.items()})
        end = [{"collection": name, "count": n, "sha256": digest} for name, (n, digest) in contents.collections.items()]
        self._out.write(encode({"end": end}))
        return contents


@contextmanager
def new_backup(path: Path, taken_at: datetime) -> Iterator[BackupWriter]:
    """All or nothing, readable by its owner alone, and on disk before it has its name. Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=COMPRESSION) as out:
                yield BackupWriter(cast("BinaryIO", out), taken_at)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def check_backup(path: Path) -> Contents:
    """Reads all of it. Raises `BackupUnusable` unless it is whole."""
    try:
        return _check_backup(path)
    except (KeyError, TypeError, InvalidBSON) as error:
        raise BackupUnusable(path, f"it is not a backup of ours, or damaged ({type(error).__name__})") from error


def _check_backup(path: Path) -> Contents:
    taken_at: datetime | None = None
    tallies: dict[str, Tally] = {}
    name = ""
    end: Any = None
    for entry in _entries(path):
        match entry:
            case {"backup": str(of), "version": int(version)}:
                if (of, version) != (NAME, VERSION):
                    raise BackupUnusable(path, f"it is of {of}, version {version}")
                taken_at = entry["taken_at"]
            case {"collection": str(name)}:
                tallies[name] = Tally()
            case {"end": end}:
                pass
            case _:
                tallies[name].add(entry["document"])
    found = {name: (tally.count, tally.sha256) for name, tally in tallies.items()}
    if taken_at is None or end is None:
        raise BackupUnusable(path, "it has no end")
    if found != {said["collection"]: (said["count"], said["sha256"]) for said in end}:
        raise BackupUnusable(path, "its documents are not those that it counts")
    return Contents(taken_at, found)


def read_collections(path: Path) -> Iterator[tuple[Collection, Iterator[RawBSONDocument]]]:
    """To be read in this order, once; of a file that was checked."""
    entries = _entries(path)
    next(entries)
    entry = next(entries)
    while "collection" in entry:
        following: list[RawBSONDocument] = []
        indexes = decode(entry.raw)["indexes"]
        yield Collection(entry["collection"], indexes), _documents(entries, following)
        [entry] = following


def _documents(entries: Iterator[RawBSONDocument], following: list[RawBSONDocument]) -> Iterator[RawBSONDocument]:
    """Those of one collection; `following` gets the entry that came after them."""
    for entry in entries:
        if "document" not in entry:
            following.append(entry)
            return
        yield entry["document"]


def _entries(path: Path) -> Iterator[RawBSONDocument]:
    try:
        with gzip.open(path, "rb") as file:
            yield from decode_file_iter(cast("BinaryIO", file), RAW)
    except (OSError, EOFError, InvalidBSON, zlib.error) as error:
        raise BackupUnusable(path, str(error)) from error
