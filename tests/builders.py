"""Builders: a test says what it is about, and the rest is made here, complete and valid."""

import os
import time
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

import jwt
import uuid_utils

from api.settings import ApiSettings, load_api_settings
from shared.clock import now
from shared.domain.money import Money
from shared.domain.order import Line, Order, accepted_at, new_order
from shared.domain.product import Product
from shared.settings import Settings

JWT_SECRET = "tests-sign-tokens-with-this-9vQ2xK7r"

A_DAY = 86_400
"""Seconds. Tables of tokens are made when the tests are collected, and used whenever their turn comes."""

ENVIRONMENT = {
    "MONGO_URL": "mongodb://127.0.0.1:1/tests?replicaSet=rs0",
    "REDIS_BROKER_URL": "redis://127.0.0.1:1/0",
    "REDIS_CACHE_URL": "redis://127.0.0.1:1/1",
    "JWT_SECRET": JWT_SECRET,
}
"""The least that a process needs. Nothing listens at these addresses."""


def settings(**changes: Any) -> Settings:
    """The defaults, except for the changes."""
    return replace(_default_settings().shared, **changes)


def api_settings(**changes: Any) -> ApiSettings:
    """The defaults, except for the changes; `shared=settings(...)` changes the shared ones."""
    return replace(_default_settings(), **changes)


@cache
def _default_settings() -> ApiSettings:
    with patch.dict(os.environ, ENVIRONMENT, clear=True):
        return load_api_settings()


def an_order_id() -> str:
    """Ids ascend in the order in which they are made."""
    return str(uuid_utils.uuid7())


def a_sku(name: str = "SKU") -> str:
    """One of its own for every test."""
    return f"{name}-{an_order_id()}"


def a_line(sku: str = "MUG-01", quantity: int = 1) -> Line:
    return Line(sku, quantity)


def an_order(*lines: Line, customer: str = "alice", reference: str | None = None, **changes: Any) -> Order:
    """A pending order of one mug, except for what is given; `changes` are fields of `Order`."""
    order_id = an_order_id()
    order = new_order(order_id, customer, lines or [a_line()], reference=reference, at=accepted_at(order_id))
    return replace(order, **changes)


def a_product(
    sku: str = "MUG-01", *, stock: int = 10, price: int = 12_500, currency: str = "IDR", **changes: Any
) -> Product:
    """`changes` are fields of `Product`."""
    at = now()
    product = Product(
        sku=sku,
        name="A mug",
        description=None,
        price=Money(price, currency),
        stock=stock,
        low_stock_threshold=None,
        version=1,
        archived_at=None,
        created_at=at,
        updated_at=at,
    )
    return replace(product, **changes)


def a_token(
    sub: str = "alice",
    scope: str = "orders:write orders:read",
    *,
    seconds: int = A_DAY,
    key: Any = JWT_SECRET,
    algorithm: str = "HS256",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """Valid for `seconds`; a claim given as None is left out."""
    everything = {"sub": sub, "scope": scope, "exp": int(time.time()) + seconds, **claims}
    return jwt.encode({k: v for k, v in everything.items() if v is not None}, key, algorithm, header)


def bearer(sub: str = "alice", scope: str = "orders:write orders:read", **token: Any) -> dict[str, str]:
    """The headers of a request with `a_token`."""
    return {"Authorization": f"Bearer {a_token(sub, scope, **token)}"}
