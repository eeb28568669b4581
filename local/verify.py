"""`make verify`: is all stock what its ledger says? Exit status 1 when something drifts, 2 when nobody can tell."""

import sys

from pymongo.errors import PyMongoError
from rich.console import Console
from rich.table import Table

from local.errors import LocalError
from local.server_ready import refuse_unsuitable_mongodb
from local.settings import LocalSettings, load_local_settings
from local.system import running_system
from local.terminal import complain
from shared.domain.errors import Unavailable
from shared.services.verify_stock import Drift, LedgerUnreadable, Report, verify_stock
from shared.settings import SettingsInvalid
from shared.store.connection import connect

EXIT_DRIFT = 1
EXIT_NOT_VERIFIED = 2

TIMEOUT_MILLISECONDS = 120_000
"""Of one look at the whole ledger, which may be long."""


def verify(mongo_url: str) -> Report:
    """Raises `ServerFailed` when MongoDB is not there, `Unavailable` when it goes away meanwhile."""
    refuse_unsuitable_mongodb(mongo_url)
    database = connect(mongo_url, timeout_milliseconds=TIMEOUT_MILLISECONDS)
    try:
        return verify_stock(database)
    finally:
        database.client.close()


def ledger_line(report: Report) -> str:
    checked = f"{report.skus} SKUs and {report.orders} confirmed orders"
    return (
        f"The ledger drifts: {len(report.drifts)} of {checked}" if report.drifts else f"The ledger is true: {checked}"
    )


def drift_table(drifts: list[Drift]) -> Table:
    table = Table("what", "where", "how")
    for drift in drifts:
        table.add_row(drift.kind, drift.subject, drift.detail)
    return table


def find_mongo_url(settings: LocalSettings) -> str:
    """MONGO_URL, else that of the system which runs in DATA_DIR. Raises `NoSystem`."""
    return settings.mongo_url or running_system(settings).mongo_url


def main() -> int:
    try:
        report = verify(find_mongo_url(load_local_settings()))
    except (LocalError, SettingsInvalid) as error:
        complain(f"make verify: {error}")
        return EXIT_NOT_VERIFIED
    except (Unavailable, PyMongoError, LedgerUnreadable) as error:
        complain(f"make verify: MongoDB can't be read: {error!r}")
        return EXIT_NOT_VERIFIED
    console = Console()
    if report.drifts:
        console.print(drift_table(report.drifts))
    console.print(ledger_line(report), highlight=False)
    return EXIT_DRIFT if report.drifts else 0


if __name__ == "__main__":
    sys.exit(main())
