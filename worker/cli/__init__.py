"""`celery -A worker orders ...`: the operators' commands, one module each, found by celery through its entry point.

Celery imports this module whenever it starts, for whatever command, and before it reads any settings. So nothing is
imported here but click, and each command when it is asked for.
"""

from importlib import import_module

import click

COMMANDS = {
    "list": "worker.cli.list_orders",
    "show": "worker.cli.show_order",
    "retry": "worker.cli.retry_orders",
    "cancel": "worker.cli.cancel_orders",
    "sweep": "worker.cli.sweep",
    "verify-stock": "worker.cli.verify_stock",
    "relist-products": "worker.cli.relist_products",
    "stats": "worker.cli.stats",
}
"""Each module has its `command`."""


class LazyGroup(click.Group):
    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name]).command
        return command


@click.group(cls=LazyGroup)
def orders() -> None:
    """Look after orders: list, show, retry, cancel, sweep, verify stock, relist products, count.

    \b
    Exit status:
      0  done, and all is well
      1  some orders were refused, drift was found, or it was interrupted
      2  wrong usage, or MongoDB or Redis can't be reached: it can't be told
     78  the settings are missing or wrong

    Every command takes --json, and then writes one JSON document to standard output; with exit status 2 there may be
    none. Warnings and errors go to standard error. Names and times are those of the HTTP API.
    """
