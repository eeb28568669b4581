"""`make restore-drill`: can a backup be restored, and is its ledger true? Backs up the running system, or takes FILE.

It restores into a MongoDB of its own, which is thrown away. Exit status 1 when the ledger drifts, 2 when nobody can
tell.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from pymongo.errors import PyMongoError
from rich.console import Console

from local.backup import back_up, file_asked_for, restore
from local.errors import LocalError
from local.servers import running_mongod
from local.settings import load_local_settings
from local.terminal import complain, say
from local.verify import EXIT_DRIFT, EXIT_NOT_VERIFIED, drift_table, find_mongo_url, ledger_line, verify
from shared.domain.errors import Unavailable
from shared.services.verify_stock import LedgerUnreadable, Report
from shared.settings import SettingsInvalid


def main() -> int:
    try:
        with tempfile.TemporaryDirectory(prefix="restore-drill-") as directory:
            report = drill(Path(directory))
    except (LocalError, SettingsInvalid) as error:
        complain(f"make restore-drill: {error}")
        return EXIT_NOT_VERIFIED
    except (Unavailable, PyMongoError, LedgerUnreadable) as error:
        complain(f"make restore-drill: MongoDB can't be read: {error!r}")
        return EXIT_NOT_VERIFIED
    console = Console()
    if report.drifts:
        console.print(drift_table(report.drifts))
    console.print(ledger_line(report), highlight=False)
    return EXIT_DRIFT if report.drifts else 0


def drill(directory: Path) -> Report:
    """What the verification says of the restored ledger. Raises `LocalError`, `Unavailable`, `PyMongoError`."""
    path = file_asked_for() if os.environ.get("FILE") else _back_up_now(directory / "drill.backup")
    with running_mongod(directory / "mongod") as server:
        started = time.monotonic()
        contents = restore(path, server.url)
        for name, (count, _) in contents.collections.items():
            say(f"  {name}: {count} documents")
        say(f"Restored {path.name} of {contents.taken_at:%Y-%m-%d %H:%M:%S} UTC in {time.monotonic() - started:.1f} s")
        return verify(server.url)


def _back_up_now(path: Path) -> Path:
    started = time.monotonic()
    contents = back_up(find_mongo_url(load_local_settings()), path)
    size = path.stat().st_size
    say(f"Backed up {contents.documents()} documents, {size:,} bytes, in {time.monotonic() - started:.1f} s")
    return path


if __name__ == "__main__":
    sys.exit(main())
