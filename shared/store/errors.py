"""PyMongo's errors, translated once, at the store's edge."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    PyMongoError,
    WriteConcernError,
)

from shared.domain.errors import Unavailable

DUPLICATE_KEY = 11000

PASSING_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")


def is_outage(error: PyMongoError) -> bool:
    """Whether the same operation may succeed later, unchanged: MongoDB is away, electing, or too slow."""
    return (
        error.timeout
        or isinstance(error, ConnectionFailure | ExecutionTimeout | WriteConcernError)
        or any(error.has_error_label(label) for label in PASSING_LABELS)
    )


@contextmanager
def outage_as_unavailable() -> Iterator[None]:
    """Raises `Unavailable` for an outage; every other error of PyMongo is a bug and passes through."""
    try:
        yield
    except PyMongoError as error:
        if is_outage(error):
            raise Unavailable("MongoDB") from error
        raise
