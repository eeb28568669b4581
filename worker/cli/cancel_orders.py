"""`orders cancel`: orders are cancelled as by their customers, and what they took comes back to stock."""

import click

from shared.cache import LeaseCache, connect_redis, make_product_cache
from shared.domain.errors import OrderNotCancellable, OrderNotFound, OrderUnreadable
from shared.notices import FinishedOrders
from shared.services.cancel_order import cancel_order
from worker.cli.outcomes import Outcome, Outcomes
from worker.cli.parameters import OrderId
from worker.cli.tools import Tools, json_option, opened, operator, warn

CACHE_SECONDS = 2.0
"""How long the end of the command waits for a cache that was away."""


@click.command("cancel")
@click.argument("order_ids", metavar="ID...", nargs=-1, required=True, type=OrderId())
@json_option
def command(order_ids: tuple[str, ...], *, as_json: bool) -> None:
    """Cancel pending and confirmed orders.

    What they took comes back to stock. To cancel a cancelled order changes nothing, and is no refusal.

    JSON: {"orders": [{"id", "status", "problem"}], "complete": true}; "problem" is null, "order-not-found",
    "order-not-cancellable" or "order-unreadable", "status" what the order is now. Exit status 1 when one was refused.
    """
    with opened() as tools, Outcomes("cancelled", as_json=as_json) as outcomes:
        redis = connect_redis(tools.settings.redis_cache_url)
        cache, notices, by = make_product_cache(redis, tools.settings), FinishedOrders(redis), operator()
        try:
            for order_id in dict.fromkeys(order_ids):
                outcomes.add(_cancelled(tools, cache, notices, order_id, by))
        finally:
            if not cache.wait_until_settled(CACHE_SECONDS):
                ttl = tools.settings.cache_ttl_seconds
                warn(f"the cache is away: products may be shown with their stock of before for up to {ttl} s")


def _cancelled(tools: Tools, cache: LeaseCache, notices: FinishedOrders, order_id: str, by: str) -> Outcome:
    try:
        return cancel_order(tools.database, cache, notices, order_id, customer=None, by=by)
    except (OrderNotFound, OrderNotCancellable, OrderUnreadable) as refusal:
        return refusal
