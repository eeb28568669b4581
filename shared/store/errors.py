"""PyMongo's errors, translated once, at the store's edge."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from shared.domain.errors import Unavailable

DUPLICATE_KEY = 11000

PASSING_LABELS = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
    "RetryableError",
    "SystemOverloadedError",
)

PASSING_CODES = {
    # It is stopping, starting, or not the primary (any more).
    91: "ShutdownInProgress",
    189: "PrimarySteppedDown",
    216: "ElectionInProgress",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11602: "InterruptedDueToReplStateChange",
    13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
    # A member or a shard behind it can't be reached.
    6: "HostUnreachable",
    7: "HostNotFound",
    89: "NetworkTimeout",
    133: "FailedToSatisfyReadPreference",
    9001: "SocketException",
    # It took too long, or somebody else ended it: a limit, an operator, a restart in the middle of a cursor.
    24: "LockTimeout",
    43: "CursorNotFound",
    50: "MaxTimeMSExpired",
    175: "QueryPlanKilled",
    202: "NetworkInterfaceExceededTimeLimit",
    237: "CursorKilled",
    262: "ExceededTimeLimit",
    290: "TransactionExceededLifetimeLimitSeconds",
    11601: "Interrupted",
    46841: "ClientMarkedKilled",
    # Another writer was first, or the snapshot is not to be had any more (yet).
    112: "WriteConflict",
    134: "ReadConcernMajorityNotAvailableYet",
    225: "TransactionTooOld",
    239: "SnapshotTooOld",
    246: "SnapshotUnavailable",
    251: "NoSuchTransaction",
    267: "PreparedTransactionInProgress",
    # It has too much to do, no room left on its disk, or was told to take no writes for now.
    365: "TemporarilyUnavailable",
    371: "UserWritesBlocked",
    402: "ResourceExhausted",
    407: "PooledConnectionAcquisitionExceededTimeLimit",
    433: "AdmissionQueueOverflow",
    449: "RateLimitExceeded",
    462: "IngressRequestRateLimitExceeded",
    14031: "OutOfDiskSpace",
}
"""By MongoDB's own names. The driver labels some of them when they happen in a transaction or to a retryable write, and
none of them when they happen to a read or to one document of many.
https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
"""


def is_outage(error: PyMongoError) -> bool:
    """Whether the same operation may succeed later, unchanged: MongoDB is away, electing, or too slow."""
    return (
        error.timeout
        or isinstance(error, ConnectionFailure | ExecutionTimeout | WriteConcernError)
        or any(error.has_error_label(label) for label in PASSING_LABELS)
        or not PASSING_CODES.keys().isdisjoint(_codes(error))
    )


def _codes(error: PyMongoError) -> Iterator[int | None]:
    if isinstance(error, BulkWriteError):
        yield from (write_error["code"] for write_error in error.details["writeErrors"])
    elif isinstance(error, OperationFailure):
        yield error.code


@contextmanager
def outage_as_unavailable() -> Iterator[None]:
    """Raises `Unavailable` for an outage; every other error of PyMongo is a bug and passes through."""
    try:
        yield
    except PyMongoError as error:
        if is_outage(error):
            raise Unavailable("MongoDB") from error
        raise
