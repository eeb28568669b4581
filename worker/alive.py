"""`python -m worker.alive`: the health check of worker and beat in their containers; exit status 1 and why, or 0.

It asks for the heartbeat that sweeps leave in MongoDB: it takes beat, the broker, a worker and MongoDB for one to be
fresh. It does without Celery, whose app takes a second of CPU to be imported, every few seconds.
"""

import sys

from shared.services.check_health import Check, check_health
from shared.settings import SettingsInvalid, load_settings
from shared.store.connection import MongoUnsuitable, connect

TIMEOUT_MILLISECONDS = 4_000
"""For each question to MongoDB: the timeout of the health check would end this before it said what is wrong."""


def main() -> int:
    try:
        trouble = find_trouble()
    except SettingsInvalid as error:
        trouble = "; ".join(error.problems)
    except MongoUnsuitable as error:
        trouble = str(error)
    if trouble:
        sys.stderr.write(f"worker is not alive: {trouble}\n")
    return 1 if trouble else 0


def find_trouble() -> str | None:
    """Raises `SettingsInvalid` and `MongoUnsuitable`."""
    database = connect(load_settings().mongo_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
    with database.client:
        return _trouble(check_health(database, {}).checks["worker"])


def _trouble(worker: Check) -> str | None:
    match worker.state:
        case "ok":
            return None
        case "stale":
            return f"nothing was swept for {worker.figures['heartbeat_age_seconds']:.0f} s"
        case "down":
            return "nothing was ever swept"
        case _:
            return "MongoDB is away, has no primary, or takes no writes"


if __name__ == "__main__":
    sys.exit(main())
