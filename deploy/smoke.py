"""Orders placed over HTTP as a stranger would, on a system that runs anywhere: the proof that it was deployed.

    docker compose exec -T api python - < deploy/smoke.py
    kubectl exec -i deployment/api -- python - < deploy/smoke.py
    API_URL=https://orders.example TOKEN=... python3 deploy/smoke.py [--rush]

One order of a new product, until it is confirmed, and one that there is no stock for. `--rush`: 100 buyers at once for
the last unit, then 2,000 orders over 20 products, some of them short. The products are archived in the end, the orders
stay. Exit status 1 when a promise was broken, 2 when
the system could not be asked. Python and its standard library will do, so that it runs inside the image, too.

TOKEN needs the scopes of SCOPE; without one it is signed with JWT_SECRET.
"""

import base64
import hashlib
import hmac
import json
import os
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from threading import Barrier
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

SCOPE = "orders:read orders:write products:write"
BUYERS = 100
RUSH_ORDERS = 2_000
AMPLE, SHORT = [1_000] * 15, [10] * 5
PATIENCE_SECONDS = 60.0
TRY_AGAIN = (429, 503)

Json = dict[str, Any]


class NotAsked(Exception):
    """The system is not there, or does not take what it is sent; the message says what it answered."""


class Api:
    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._skus: list[str] = []
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        # Past any proxy of the environment: the system is asked, nobody else.
        self._opener = build_opener(ProxyHandler({}))

    def place_order(self, sku: str, quantity: int = 1) -> str:
        """The order's id. The key makes it safe to repeat a request whose answer was lost."""
        order = {"items": [{"sku": sku, "quantity": quantity}]}
        return str(self.send("POST", "/v1/orders", order, **{"Idempotency-Key": secrets.token_hex(16)})["id"])

    def wait_until_final(self, order_id: str) -> Json:
        """The order, still pending when it was not decided in time."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            order = self.send("GET", f"/v1/orders/{order_id}", Prefer="wait=5")
            if order["status"] != "pending" or time.monotonic() > give_up_at:
                return order
            time.sleep(0.5)

    def new_product(self, stock: int) -> str:
        """Its SKU, of this run alone, so that it can be played again and again."""
        sku = f"SMOKE-{secrets.token_hex(4).upper()}"
        product = {"sku": sku, "name": sku, "price": {"amount": 1000, "currency": "IDR"}, "stock": stock}
        self.send("POST", "/v1/products", product)
        self._skus.append(sku)
        return sku

    def archive_products(self) -> None:
        """What this run has made is not for sale any more. Its orders and its ledger stay."""
        for sku in self._skus:
            self.send("DELETE", f"/v1/products/{sku}", None, **{"If-Match": "*"})

    def stock_of(self, sku: str) -> int:
        return int(self.send("GET", f"/v1/products/{sku}")["stock"])

    def send(self, method: str, path: str, body: Json | None = None, **headers: str) -> Json:
        """Repeated while that is what the answer asks for, or there is none."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self._url + path, data, self._headers | headers, method=method)  # noqa: S310 - ours
        while True:
            try:
                with self._opener.open(request, timeout=30) as answer:
                    text = answer.read()
                    return dict(json.loads(text)) if text else {}
            except HTTPError as error:
                if error.code not in TRY_AGAIN or time.monotonic() > give_up_at:
                    said = error.read(2000).decode(errors="replace")
                    raise NotAsked(f"{method} {path}: {error.code} {said}") from None
            except (OSError, HTTPException) as error:
                if time.monotonic() > give_up_at:
                    raise NotAsked(f"{method} {path}: {error!r}") from error
            time.sleep(1)


def sign_token(secret: str) -> str:
    """HS256: RFC 7515, appendix A.1."""
    claims = {"sub": "smoke", "scope": SCOPE, "exp": int(time.time()) + 600}
    signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_base64(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def check_one_order(api: Api) -> list[str]:
    """What is wrong, a line each."""
    sku = api.new_product(stock=1)
    statuses = [api.wait_until_final(api.place_order(sku))["status"] for _ in range(2)]
    print(f"one unit of {sku}, two orders: {', '.join(statuses)}")
    return _wrong({"two orders for one unit": (statuses, ["confirmed", "rejected"]), "stock": (api.stock_of(sku), 0)})


def check_last_unit(api: Api) -> list[str]:
    sku = api.new_product(stock=1)
    everybody_is_here = Barrier(BUYERS)

    def buy(_: int) -> str:
        everybody_is_here.wait(PATIENCE_SECONDS)
        return str(api.wait_until_final(api.place_order(sku))["status"])

    with ThreadPoolExecutor(BUYERS) as buyers:
        statuses = Counter(buyers.map(buy, range(BUYERS)))
    print(f"{BUYERS} buyers at once for the last unit: {_told(statuses)}")
    expected = {"confirmed": 1, "rejected": BUYERS - 1}
    return _wrong({"buyers of the last unit": (dict(statuses), expected), "stock": (api.stock_of(sku), 0)})


def check_rush(api: Api) -> list[str]:
    stock = {api.new_product(units): units for units in AMPLE + SHORT}
    baskets = random.choices(list(stock), k=RUSH_ORDERS)  # noqa: S311 - no secret
    began = time.monotonic()
    with ThreadPoolExecutor(BUYERS) as buyers:
        order_ids = list(buyers.map(api.place_order, baskets))
        accepted = time.monotonic() - began
        orders = list(buyers.map(api.wait_until_final, order_ids))
    statuses = Counter(str(order["status"]) for order in orders)
    print(f"{RUSH_ORDERS} orders over {len(stock)} products in {accepted:.1f} s: {_told(statuses)}")
    wanted = Counter(baskets)
    expected = {sku: max(0, units - wanted[sku]) for sku, units in stock.items()}
    left = {sku: api.stock_of(sku) for sku in stock}
    sold = sum(min(units, wanted[sku]) for sku, units in stock.items())
    return _wrong({"stock": (left, expected), "confirmed orders": (statuses["confirmed"], sold)})


def _wrong(found_and_expected: dict[str, tuple[object, object]]) -> list[str]:
    return [f"{what}: {a}, not {b}" for what, (a, b) in found_and_expected.items() if a != b]


def _told(statuses: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))


def make_api() -> Api:
    url = os.environ.get("API_URL") or f"http://localhost:{os.environ.get('API_PORT') or 8000}"
    token, secret = os.environ.get("TOKEN"), os.environ.get("JWT_SECRET")
    if not token and not secret:
        raise NotAsked(f"no TOKEN with the scopes {SCOPE} was given, and no JWT_SECRET to sign one")
    return Api(url, token or sign_token(str(secret)))


def main(arguments: Iterable[str]) -> int:
    try:
        api = make_api()
        try:
            broken = check_one_order(api)
            if "--rush" in arguments:
                broken += check_last_unit(api) + check_rush(api)
        finally:
            api.archive_products()
    except NotAsked as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 2
    for promise in broken:
        print(f"BROKEN: {promise}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
