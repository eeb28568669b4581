"""Start-up checks: a process that can't keep the promises says why in one line each, and does not start."""

import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

from shared.settings import SettingsInvalid
from shared.store.connection import MongoUnsuitable, check_replica_set, connect
from shared.store.indexes import ensure_indexes

T = TypeVar("T")

MONGO_TIMEOUT_MILLISECONDS = 5_000
"""Long enough for an election."""

FILES_WANTED = 65_536

EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits.h."""


def load_or_refuse(part: str, load: Callable[[], T]) -> T:
    """What `load` returns, or the end of the process with a line for each setting that is wrong."""
    try:
        return load()
    except SettingsInvalid as error:
        refuse(part, *error.problems)


def prepare_database_or_refuse(part: str, mongo_url: str) -> None:
    """Check MongoDB and make the indexes, with a client of its own: who works may be another process, forked later."""
    try:
        database = connect(mongo_url, timeout_milliseconds=MONGO_TIMEOUT_MILLISECONDS)
        check_replica_set(database)
    except MongoUnsuitable as error:
        refuse(part, str(error))
    ensure_indexes(database)
    database.client.close()


def allow_many_files() -> None:
    """As many open files as this user may have: a rush means thousands of connections, and 1,024 is a usual limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def refuse(part: str, *problems: str) -> NoReturn:
    for problem in problems:
        sys.stderr.write(f"{part} refuses to start: {problem}\n")
    raise SystemExit(EXIT_CONFIGURATION)
