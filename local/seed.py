"""The products that a new system has, so that the first order can be placed at once; made through the API."""

import httpx

from local.errors import PartFailed
from local.loopback import loopback_client
from local.system import System
from local.token import make_token

DEMO_PRODUCTS = [
    {"sku": "MUG-01", "name": "Mug", "price": {"amount": 12500, "currency": "IDR"}, "stock": 1000},
    {"sku": "TEE-01", "name": "T-shirt", "price": {"amount": 99000, "currency": "IDR"}, "stock": 250},
    {"sku": "TICKET-01", "name": "Concert ticket", "price": {"amount": 750000, "currency": "IDR"}, "stock": 10},
]


def seed_products(system: System) -> None:
    """Those that exist already stay as they are. Raises `PartFailed`."""
    token = make_token(system.jwt_secret, "seed", "products:write", seconds=60)
    headers = {"Authorization": f"Bearer {token}"}
    with loopback_client(base_url=system.api_url, headers=headers, timeout=10) as client:
        for product in DEMO_PRODUCTS:
            _create(client, product)


def _create(client: httpx.Client, product: dict[str, object]) -> None:
    try:
        answer = client.post("/v1/products", json=product)
    except httpx.HTTPError as error:
        raise PartFailed(f"the demo product {product['sku']} can't be made: {error!r}") from error
    if answer.status_code not in (201, 409):
        raise PartFailed(f"the demo product {product['sku']} can't be made: {answer.status_code} {answer.text}")
