"""`make backup FILE=...`: a database into a file, all of it as it was at one moment; and back, for `make restore`.

It is read in one snapshot, so it may run beside sales. MongoDB keeps the past for five minutes
(`minSnapshotHistoryWindowInSeconds`), so a backup that takes longer fails; docs/runbook.md says what large systems do.
https://www.mongodb.com/docs/manual/reference/read-concern-snapshot/
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError

from local.backup_file import RAW, Collection, Contents, Tally, check_backup, new_backup, read_collections
from local.errors import BackupFailed, LocalError
from local.server_ready import refuse_unsuitable_mongodb
from local.settings import load_local_settings
from local.terminal import complain, say
from local.verify import find_mongo_url
from shared.clock import now
from shared.settings import SettingsInvalid
from shared.store.connection import Document, connect

TIMEOUT_MILLISECONDS = 300_000
"""Of one collection; as long as MongoDB keeps the past."""

BATCH = 1_000


def back_up(mongo_url: str, path: Path) -> Contents:
    """Raises `ServerFailed` when MongoDB is not there, `BackupFailed` when it could not all be read or written."""
    refuse_unsuitable_mongodb(mongo_url)
    database = connect(mongo_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
    try:
        # The moment is that of the first read, which is not earlier.
        with new_backup(path, now()) as backup, database.client.start_session(snapshot=True) as session:
            for name in _collection_names(database):
                backup.add_collection(Collection(name, _indexes(database, name)), _documents(database, name, session))
            return backup.finish()
    except (PyMongoError, OSError) as error:
        raise BackupFailed(f"{path} was not written: {error}") from error
    finally:
        database.client.close()


def restore(path: Path, mongo_url: str) -> Contents:
    """Into an empty database, and reads all of it again to compare. Raises `BackupUnusable`, `BackupFailed`."""
    contents = check_backup(path)
    refuse_unsuitable_mongodb(mongo_url)
    database = connect(mongo_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
    try:
        _refuse_unless_empty(database)
        for collection, documents in read_collections(path):
            _write(database, collection, documents)
        _compare(database, contents)
    except PyMongoError as error:
        raise BackupFailed(f"{path} was not restored, drop what is there before the next attempt: {error}") from error
    finally:
        database.client.close()
    return contents


def _collection_names(database: Database[Document]) -> list[str]:
    return sorted(name for name in database.list_collection_names() if not name.startswith("system."))


def _indexes(database: Database[Document], name: str) -> list[dict[str, Any]]:
    return [dict(index) for index in database[name].list_indexes() if index["name"] != "_id_"]


def _documents(
    database: Database[Document], name: str, session: ClientSession | None = None
) -> Iterator[RawBSONDocument]:
    return iter(database.with_options(RAW)[name].find({}, sort=[("_id", ASCENDING)], session=session))


def _refuse_unless_empty(database: Database[Document]) -> None:
    for name in _collection_names(database):
        if database[name].find_one():
            raise BackupFailed(f"the database {database.name} is not empty: {name} has documents")


def _write(database: Database[Document], collection: Collection, documents: Iterator[RawBSONDocument]) -> None:
    batch: list[Any] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            database[collection.name].insert_many(batch)
            batch = []
    if batch:
        database[collection.name].insert_many(batch)
    if collection.indexes:
        specifications = [{name: value for name, value in index.items() if name != "v"} for index in collection.indexes]
        database.command("createIndexes", collection.name, indexes=specifications)


def _compare(database: Database[Document], contents: Contents) -> None:
    for name, said in contents.collections.items():
        tally = Tally()
        for document in _documents(database, name):
            tally.add(document)
        if (tally.count, tally.sha256) != said:
            raise BackupFailed(f"{name} came back differently: {tally.count} documents of {said[0]}")


def file_asked_for() -> Path:
    """FILE; raises `BackupFailed`."""
    name = os.environ.get("FILE", "")
    if not name:
        raise BackupFailed("say which file: FILE=orders.backup")
    return Path(name).expanduser()


def main() -> int:
    try:
        path = file_asked_for()
        if "--restore" in sys.argv:
            settings = load_local_settings()
            if settings.mongo_url is None:
                raise BackupFailed("say where to: MONGO_URL of an empty database")
            contents, done = restore(path, settings.mongo_url), "Restored from"
        else:
            if path.exists():
                raise BackupFailed(f"{path} is there already, and no backup replaces another")
            contents, done = back_up(find_mongo_url(load_local_settings()), path), "Backed up into"
    except (LocalError, SettingsInvalid) as error:
        complain(f"make {'restore' if '--restore' in sys.argv else 'backup'}: {error}")
        return 1
    say(f"{done} {path}: {contents.documents()} documents, as of {contents.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    return 0


if __name__ == "__main__":
    sys.exit(main())
