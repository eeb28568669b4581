"""`GET /v1/products/{sku}` out of the cache, beside a bare view that answers a constant."""

import http.client

from bench import prepared, tables
from bench.contenders import FLOOR, this_project
from bench.experiments.run import Run
from bench.load import LoadFailed, Traffic
from bench.plan import SKUS
from bench.processes import Place, side_by_side


def measure(run: Run) -> None:
    ours = this_project("cached-reads", parts=["api"])
    with side_by_side([FLOOR, ours], run.ground) as (floor, place):
        loads = {
            tables.BARE_FLOOR: reads(floor, "/products/", products=1),
            tables.ONE_PRODUCT: reads(place, "/v1/products/", products=1),
            tables.MANY_PRODUCTS: reads(place, "/v1/products/", products=SKUS),
        }
        run.warm_up(*loads.values())
        check_hit(place)
        for row, load in run.turns(list(loads.items())):
            answers = run.load(load)
            figures = {"answered_per_second": answers.per_second, "p50_ms": answers.p50_ms, "p99_ms": answers.p99_ms}
            run.results.add(tables.CACHED, row, figures)


def reads(place: Place, path: str, *, products: int) -> Traffic:
    return Traffic(place.ground.port, [prepared.get(f"{path}SKU-{number}", {}) for number in range(products)])


def check_hit(place: Place) -> None:
    """Raises `LoadFailed` when it is not the cache that is measured."""
    connection = http.client.HTTPConnection("127.0.0.1", place.ground.port, timeout=5)
    connection.request("GET", "/v1/products/SKU-0")
    found = connection.getresponse().headers["X-Cache"]
    connection.close()
    if found != "hit":
        raise LoadFailed(f"a product that was just read is no hit: X-Cache is {found}")
