"""Which of PyMongo's errors are an outage, and which are a bug."""

import pytest
from pymongo import errors

from shared.domain.errors import Unavailable
from shared.store.errors import PASSING_CODES, outage_as_unavailable

OUTAGES = [
    errors.ServerSelectionTimeoutError("no primary"),
    errors.AutoReconnect("closed"),
    errors.NetworkTimeout("slow"),
    errors.NotPrimaryError("stepped down"),
    errors.ExecutionTimeout("maxTimeMS", 50),
    errors.WriteConcernError("wtimeout", 64),
    errors.WaitQueueTimeoutError("pool"),
    errors.BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64, "errInfo": {"wtimeout": True}}]}),
    errors.OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]}),
    errors.OperationFailure("commit", 91, {"errorLabels": ["UnknownTransactionCommitResult"]}),
    errors.OperationFailure("write", 11600, {"errorLabels": ["RetryableWriteError"]}),
    errors.OperationFailure("busy", 462, {"errorLabels": ["SystemOverloadedError", "RetryableError"]}),
    # A read has no labels, and neither has one document of an unordered batch.
    *(errors.OperationFailure(name, code) for code, name in PASSING_CODES.items()),
    *(
        errors.BulkWriteError({"writeConcernErrors": [], "writeErrors": [{"code": 11000}, {"code": code}]})
        for code in PASSING_CODES
    ),
]
BUGS = [
    errors.OperationFailure("bad query", 2),
    errors.DuplicateKeyError("E11000", 11000),
    errors.BulkWriteError({"writeErrors": [{"code": 11000}], "writeConcernErrors": []}),
    errors.BulkWriteError({"writeErrors": [{"code": 121}], "writeConcernErrors": []}),
    errors.OperationFailure("no rights", 13),
    errors.OperationFailure("its batch must be split", 388),
    errors.InvalidOperation("closed client"),
    errors.DocumentTooLarge("16 MB"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=repr)
def test_an_outage_is_unavailable_and_its_cause_is_kept(error):
    with pytest.raises(Unavailable) as refusal, outage_as_unavailable():
        raise error
    assert refusal.value.__cause__ is error
    assert refusal.value.what == "MongoDB"


@pytest.mark.parametrize("error", BUGS, ids=repr)
def test_any_other_error_of_pymongo_passes_through(error):
    with pytest.raises(type(error)) as raised, outage_as_unavailable():
        raise error
    assert raised.value is error


def test_errors_of_our_own_pass_through():
    with pytest.raises(KeyError), outage_as_unavailable():
        raise KeyError("x")
