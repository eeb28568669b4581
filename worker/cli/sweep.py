"""`orders sweep`: what beat has a worker do every few seconds, once, now."""

from collections.abc import Sequence

import click

from shared.domain.errors import Unavailable
from shared.services.sweep_orders import sweep_orders
from worker.cli.shapes import write
from worker.cli.tools import CanNotTell, json_option, opened


@click.command("sweep")
@json_option
def command(*, as_json: bool) -> None:
    """Announce again what is due, once, now.

    Up to SWEEP_BATCH_MAX of them; "more" says that as many were due. It works without beat and without workers, and so
    is no sign of their life.

    JSON: {"announced": 12, "more": false}. Exit status 2 when the broker does not take them; they stay due.
    """
    outages: list[Unavailable] = []
    with opened() as tools:

        def announce(order_ids: Sequence[str]) -> None:
            try:
                tools.announce(order_ids)
            except Unavailable as error:
                outages.append(error)
                raise

        announced = sweep_orders(tools.database, announce, tools.settings)
        more = announced == tools.settings.sweep_batch_max
    if as_json:
        write({"announced": announced, "more": more})
    else:
        click.echo(f"{announced} orders announced{', and there may be more: sweep again' if more else ''}")
    if outages:
        raise CanNotTell("the broker does not take messages: the rest stays due")
