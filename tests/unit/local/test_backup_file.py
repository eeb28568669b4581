"""The file of a backup appears whole, or not at all."""

import pytest
from bson import encode
from bson.raw_bson import RawBSONDocument

from local.backup_file import Collection, check_backup, new_backup, read_collections
from shared.clock import now


def a_document(number):
    return RawBSONDocument(encode({"_id": number, "at": now(), "none": None, "deep": [{"a": 1.5}]}))


def test_what_is_written_is_read(tmp_path):
    path, documents = tmp_path / "orders.backup", [a_document(number) for number in range(3)]
    index = {"v": 2, "key": {"at": 1}, "name": "by_time", "unique": True}
    with new_backup(path, at := now()) as backup:
        backup.add_collection(Collection("empty", []), iter([]))
        backup.add_collection(Collection("some", [index]), iter(documents))
        contents = backup.finish()

    assert check_backup(path) == contents
    assert contents.taken_at == at
    assert contents.documents() == 3
    found = [(collection, [document.raw for document in read]) for collection, read in read_collections(path)]
    assert found == [
        (Collection("empty", []), []),
        (Collection("some", [index]), [document.raw for document in documents]),
    ]


def test_a_backup_that_fails_half_way_leaves_nothing_behind(tmp_path):
    def failing():
        yield a_document(1)
        raise ConnectionError

    with pytest.raises(ConnectionError), new_backup(tmp_path / "orders.backup", now()) as backup:
        backup.add_collection(Collection("some", []), failing())
    assert list(tmp_path.iterdir()) == []
