"""`orders show`: one order, with all that is known of it."""

from collections.abc import Iterator
from datetime import datetime

import click

from shared.clock import now
from shared.domain.errors import OrderNotFound, OrderUnreadable
from shared.store.order_details import LastError, OrderDetails, find_details
from worker.cli import text
from worker.cli.parameters import OrderId
from worker.cli.shapes import details_shape, movement_shape, write
from worker.cli.tools import EXIT_FOUND, json_option, opened


@click.command("show")
@click.argument("order_id", metavar="ID", type=OrderId())
@json_option
def command(order_id: str, *, as_json: bool) -> None:
    """Show one order with all that is known of it.

    Its lines, history, attempts, last error, next announcement and stock movements.

    JSON: the order as the HTTP API has it, with "attempts", "error" (null, or its text, at and worker),
    "next_announce_at" (null unless pending) and "movements". Exit status 1 when there is no such order, or it
    can't be read.
    """
    with opened() as tools:
        try:
            details = find_details(tools.database, order_id)
        except OrderNotFound:
            click.echo(f"There is no order {order_id}.", err=True)
            raise SystemExit(EXIT_FOUND) from None
        except OrderUnreadable as error:
            click.echo(f"What is stored of the order {order_id} can't be read: {error.what}", err=True)
            raise SystemExit(EXIT_FOUND) from None
    if as_json:
        movements = [movement_shape(movement) for movement in details.movements]
        write({**details_shape(details), "movements": movements})
    else:
        click.echo("\n\n".join(_parts(details)))


def _parts(details: OrderDetails) -> Iterator[str]:
    order = details.order
    yield _facts(details)
    yield text.table(
        ["sku", "quantity", "unit price"],
        [[line.sku, line.quantity, text.money(line.unit_price)] for line in order.items],
    )
    if order.reason and order.reason.lines:
        yield text.table(
            ["refused", "requested", "available"],
            [[line.sku, line.requested, line.available] for line in order.reason.lines],
        )
    history = [[entry.status.value, text.time(entry.at), entry.by] for entry in order.history]
    yield text.table(["history", "at", "by"], history)
    yield (
        text.table(
            ["movement", "sku", "delta", "at", "by"],
            [[m.kind.value, m.sku, m.delta, text.time(m.at), m.by] for m in details.movements],
        )
        if details.movements
        else "No stock was moved."
    )


def _facts(details: OrderDetails) -> str:
    order = details.order
    facts = {
        "order": order.order_id,
        "status": order.status.value,
        "reason": text.reason_code(order.reason),
        "customer": order.customer,
        "reference": order.reference,
        "total": text.money(order.total),
        "accepted": _when(order.created_at),
        "changed": _when(order.updated_at),
        "attempts": details.attempts,
        "last error": _error(details.error),
        "next announcement": _when(details.next_announce_at),
    }
    width = max(map(len, facts))
    return "\n".join(f"{name.ljust(width)}  {text.cell(value)}" for name, value in facts.items())


def _when(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    seconds = (now() - moment).total_seconds()
    distance = f"{text.age(seconds)} ago" if seconds >= 0 else f"in {text.age(-seconds)}"
    return f"{text.time(moment)} ({distance})"


def _error(error: LastError | None) -> str | None:
    return f"{error.text} ({text.time(error.at)}, {error.worker})" if error else None
