"""`orders relist-products`: the list of products is made anew from the products."""

import click

from shared.store.products import list_all_products
from worker.cli.shapes import write
from worker.cli.tools import json_option, opened


@click.command("relist-products")
@json_option
def command(*, as_json: bool) -> None:
    """Make the list of products anew.

    It may run beside sales and changes; what is listed already stays so until it is written again.

    JSON: {"products": 120}, those that were there when it began.
    """
    with opened() as tools:
        products = list_all_products(tools.database)
    if as_json:
        write({"products": products})
    else:
        click.echo(f"{products} products listed")
