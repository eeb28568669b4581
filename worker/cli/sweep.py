"""`orders sweep`: what beat has a worker do every few seconds, once, now."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from shared.domain.errors import Unavailable
from shared.queue import ORDERS_QUEUE, announce_orders
from shared.queue_depth import queue_depth
from shared.services.sweep_orders import others_due, sweep_orders
from worker.cli.shapes import write
from worker.cli.tools import CanNotTell, json_option, opened


@click.command("sweep")
@json_option
def command(*, as_json: bool) -> None:
    """Announce again what is due, once, now.

    Up to SWEEP_BATCH_MAX of them, and fewer while many messages wait; "more" says that others are due. It works without
    beat and without workers, and so is no sign of their life.

    JSON: {"announced": 12, "more": false}. Exit status 2 when the broker does not take them; they stay due.
    """
    outages: list[Unavailable] = []
    with opened() as tools:

        def announce(order_ids: Sequence[str]) -> None:
            with _kept(outages):
                announce_orders(tools.app, order_ids, again=True)

        def queued() -> int:
            with _kept(outages):
                return queue_depth(tools.app, ORDERS_QUEUE)

        announced = sweep_orders(tools.database, announce, queued, tools.settings)
        more = others_due(tools.database, tools.settings)
    if as_json:
        write({"announced": announced, "more": more})
    else:
        click.echo(f"{announced} orders announced{', and others are due: sweep again' if more else ''}")
    if outages:
        raise CanNotTell("the broker does not take messages: the rest stays due")


@contextmanager
def _kept(outages: list[Unavailable]) -> Iterator[None]:
    """The sweep itself makes nothing of an outage of the broker."""
    try:
        yield
    except Unavailable as error:
        outages.append(error)
        raise
