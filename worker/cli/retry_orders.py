"""`orders retry`: failed orders are pending again, and announced."""

from collections.abc import Iterator, Sequence

import click

from shared.clock import now
from shared.domain.errors import OrderNotFound, OrderNotRetryable, OrderUnreadable
from shared.domain.order import Order, Status
from shared.services.retry_order import retry_orders
from shared.services.sweep_orders import MESSAGE_MAX
from shared.slices import slices
from shared.store.order_list import OrderQuery, list_orders
from shared.store.orders import find_order
from shared.store.pages import Position
from worker.cli.outcomes import Outcomes
from worker.cli.parameters import OrderId
from worker.cli.tools import Tools, json_option, opened, operator, warn


@click.command("retry")
@click.argument("order_ids", metavar="[ID]...", nargs=-1, type=OrderId())
@click.option("--all-failed", is_flag=True, help="Every order that has failed until now, the first accepted first.")
@click.option("--dry-run", is_flag=True, help="Only say what would be retried.")
@json_option
def command(order_ids: tuple[str, ...], *, all_failed: bool, dry_run: bool, as_json: bool) -> None:
    """Have failed orders processed again.

    They are pending again, and announced before the command ends, up to 500 in a message; when the broker is away the
    sweeper announces them. A pending order is announced again, and that is all. It may be interrupted and repeated.

    JSON: {"orders": [{"id", "status", "problem"}], "complete": true, "announced": 2, "dry_run": false}; "problem" is
    null, "order-not-found", "order-not-retryable" or "order-unreadable", "status" what the order is now. Exit status 1
    when one was refused.
    """
    if bool(order_ids) == all_failed:
        raise click.UsageError("Give either the ids of orders or --all-failed.")
    done = "would be retried" if dry_run else "retried"
    with opened() as tools, Outcomes(done, as_json=as_json) as outcomes:
        outcomes.figures |= {"announced": 0, "dry_run": dry_run}
        for batch in _failed(tools) if all_failed else slices(list(dict.fromkeys(order_ids)), MESSAGE_MAX):
            if dry_run:
                _look_at(tools, batch, outcomes)
            else:
                _retry(tools, batch, outcomes)


def _retry(tools: Tools, order_ids: Sequence[str], outcomes: Outcomes) -> None:
    retried = retry_orders(tools.database, tools.announce, tools.settings, order_ids, by=operator())
    for outcome in retried.outcomes:
        outcomes.add(outcome)
    outcomes.figures["announced"] += retried.announced
    reopened = sum(isinstance(outcome, Order) for outcome in retried.outcomes)
    if left := reopened - retried.announced:
        warn(f"the broker does not take messages: the sweeper will announce {left} of them when it does")
    if retried.outage:
        raise retried.outage


def _look_at(tools: Tools, order_ids: Sequence[str], outcomes: Outcomes) -> None:
    for order_id in order_ids:
        try:
            order = find_order(tools.database, order_id)
        except (OrderNotFound, OrderUnreadable) as refusal:
            outcomes.add(refusal)
            continue
        retryable = order.status in (Status.FAILED, Status.PENDING)
        outcomes.add(order if retryable else OrderNotRetryable(order_id, order.status.value))


def _failed(tools: Tools) -> Iterator[list[str]]:
    """Page by page, each after the last row of the one before: what fails again meanwhile is not met again."""
    query = OrderQuery(status=Status.FAILED, created_before=now())
    after: Position | None = None
    while True:
        page = list_orders(tools.database, query, after=after, limit=MESSAGE_MAX, oldest_first=True)
        yield [row["_id"] for row in page.rows]
        if page.next is None:
            return
        after = page.next
