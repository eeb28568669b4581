"""`orders stats`: how many of what, what waits the longest, and whether anybody works."""

from datetime import datetime

import click

from shared.clock import now
from shared.domain.errors import Unavailable
from shared.queue_depth import QUEUES, queue_depths
from shared.store.order_stats import Count, OrderStats, order_stats
from worker.cli import text
from worker.cli.shapes import Shape, write
from worker.cli.tools import CanNotTell, json_option, opened

Depths = dict[str, int] | None
"""None when the broker is away."""

UNKNOWN = dict.fromkeys(QUEUES, "not known")


@click.command("stats")
@json_option
def command(*, as_json: bool) -> None:
    """Count orders, messages, products and movements.

    Orders by status, messages by queue; and how long the oldest pending order has been waiting, and how long ago a
    worker swept. Counts of orders end at a million, shown as "1000000+"; those with failed attempts are counted among
    the first 100,000 that are pending, and "3+" are three of those. Products (archived ones too) and movements are
    MongoDB's estimates. Queues count what no worker holds yet.

    JSON: {"orders": {"pending": {"count": 3, "more": false}, ...}, "pending_with_attempts": {"count", "more"},
    "oldest_pending": null or {"id", "age_seconds"}, "queues": null or {"orders": 0, "maintenance": 0},
    "worker_heartbeat_age_seconds": 1.2 or null, "products": 3, "movements": 120}.
    Exit status 2 when the broker is away and the queues are therefore not known.
    """
    with opened() as tools:
        stats = order_stats(tools.database)
        try:
            depths: Depths = queue_depths(tools.app)
        except Unavailable:
            depths = None
    if as_json:
        write(_shape(stats, depths))
    else:
        click.echo(text.table(["what", "how many"], _rows(stats, depths)))
    if depths is None:
        raise CanNotTell("the broker can't be reached: the depth of the queues is not known")


def _shape(stats: OrderStats, depths: Depths) -> Shape:
    oldest = stats.oldest_pending
    return {
        "orders": {status.value: _count_shape(count) for status, count in stats.by_status.items()},
        "pending_with_attempts": _count_shape(stats.pending_with_attempts),
        "oldest_pending": oldest and {"id": str(oldest.order_id), "age_seconds": _age(oldest.since)},
        "queues": depths,
        "worker_heartbeat_age_seconds": _age(stats.heartbeat) if stats.heartbeat else None,
        "products": stats.products,
        "movements": stats.movements,
    }


def _rows(stats: OrderStats, depths: Depths) -> list[list[object]]:
    oldest, heartbeat = stats.oldest_pending, stats.heartbeat
    by_status: list[list[object]] = [[f"orders {status.value}", _count(n)] for status, n in stats.by_status.items()]
    in_queues: list[list[object]] = [
        [f"messages in queue {name}", depth] for name, depth in (depths or UNKNOWN).items()
    ]
    return [
        *by_status,
        ["pending with failed attempts", _count(stats.pending_with_attempts)],
        ["oldest pending", f"{text.age(_age(oldest.since))} ({oldest.order_id})" if oldest else None],
        *in_queues,
        ["last heartbeat of a worker", f"{text.age(_age(heartbeat))} ago" if heartbeat else None],
        ["products", stats.products],
        ["movements", stats.movements],
    ]


def _count(count: Count) -> str:
    return f"{count.value}+" if count.more else str(count.value)


def _count_shape(count: Count) -> Shape:
    return {"count": count.value, "more": count.more}


def _age(moment: datetime) -> float:
    return round(max(0.0, (now() - moment).total_seconds()), 3)
