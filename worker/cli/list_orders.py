"""`orders list`: the orders that match, the last accepted first."""

from collections.abc import Iterable
from datetime import timedelta

import click

from shared.clock import now
from shared.domain.errors import OrderUnreadable
from shared.domain.order import Status
from shared.store.connection import Document
from shared.store.order_details import OrderDetails, details_from
from shared.store.order_list import OrderQuery, list_orders
from worker.cli import text
from worker.cli.parameters import Duration, Text
from worker.cli.shapes import details_shape, write
from worker.cli.tools import json_option, opened, warn

HEADER = ["id", "status", "customer", "accepted", "age", "attempts", "lines", "total", "reason"]


@click.command("list")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only those.")
@click.option("--older-than", type=Duration(), help="Accepted longer ago than this: 30s, 10m, 2h, 1d.")
@click.option("--customer", type=Text(), help="Only this customer's: the subject of the token.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many at the most.")
@json_option
def command(
    status: str | None, older_than: timedelta | None, customer: str | None, limit: int, *, as_json: bool
) -> None:
    """List orders, the last accepted first.

    JSON: {"orders": [...], "more": true}; each as `orders show` has it, without its movements; "more" when the limit
    left some out.
    """
    query = OrderQuery(
        customer=customer,
        status=Status(status) if status else None,
        created_before=now() - older_than if older_than is not None else None,
    )
    with opened() as tools:
        page = list_orders(tools.database, query, after=None, limit=limit)
    found, unreadable = _read(page.rows)
    if as_json:
        write({"orders": [details_shape(details) for details in found], "more": page.next is not None})
    else:
        click.echo(text.table(HEADER, map(_row, found)) if found else "No orders.")
    for error in unreadable:
        warn(f"what is stored of the order {error.order_id} can't be read: {error.what}")
    if page.next and not as_json:
        warn(f"there are more than these {limit}: --limit")


def _read(rows: Iterable[Document]) -> tuple[list[OrderDetails], list[OrderUnreadable]]:
    """One that can't be read does not keep the others from being shown."""
    found, unreadable = [], []
    for row in rows:
        try:
            found.append(details_from(row, movements=()))
        except OrderUnreadable as error:
            unreadable.append(error)
    return found, unreadable


def _row(details: OrderDetails) -> list[object]:
    order = details.order
    return [
        order.order_id,
        order.status.value,
        order.customer,
        text.time(order.created_at),
        text.age((now() - order.created_at).total_seconds()),
        details.attempts,
        len(order.items),
        text.money(order.total),
        text.reason_code(order.reason),
    ]
