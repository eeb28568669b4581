"""`orders verify-stock`: is all stock what its ledger says?"""

from dataclasses import asdict

import click

from shared.domain.errors import ProductNotFound
from shared.services.verify_stock import LedgerUnreadable, verify_stock
from worker.cli import text
from worker.cli.parameters import Text
from worker.cli.shapes import write
from worker.cli.tools import EXIT_FOUND, CanNotTell, json_option, opened

TIMEOUT_MILLISECONDS = 120_000
"""Of one look at the whole ledger, which may be long."""


@click.command("verify-stock")
@click.option("--sku", type=Text(), help="This product alone, by an index: what a large database takes without effort.")
@json_option
def command(sku: str | None, *, as_json: bool) -> None:
    """Check stock against its ledger.

    And confirmed orders against their movements. All is read at one moment, so it may run beside sales. Without --sku
    it reads all products, orders and movements.

    JSON: {"skus": 3, "orders": 120, "drifts": [{"kind", "subject", "detail"}]}; the numbers are what was looked at.
    Exit status 1 when something drifts, 2 when it can't be told.
    """
    with opened(timeout_milliseconds=TIMEOUT_MILLISECONDS) as tools:
        try:
            report = verify_stock(tools.database, sku)
        except ProductNotFound as error:
            raise CanNotTell(f"there is no product {text.cell(sku)}, and no movement of it") from error
        except LedgerUnreadable as error:
            raise CanNotTell(f"what is stored can't be read: {error}") from error
    if as_json:
        write(asdict(report))
    else:
        if report.drifts:
            click.echo(text.table(["what", "where", "how"], [[d.kind, d.subject, d.detail] for d in report.drifts]))
        verdict = f"The ledger drifts, {len(report.drifts)} times" if report.drifts else "The ledger is true"
        click.echo(f"{verdict}: {report.skus} SKUs and {report.orders} confirmed orders were looked at")
    if report.drifts:
        raise SystemExit(EXIT_FOUND)
