"""The two acts of the demo: who buys what, and when."""

import random
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass

from local.demo_crowd import all_at_once
from local.demo_customer import PATIENCE_SECONDS, Customer, Item, Placed
from local.demo_tally import Tally
from local.system import System

BUYERS = 100
RUSH_ORDERS = 2_000
RUSH_PRODUCTS = 50
SHORT_PRODUCTS = 10
SHORT_STOCK = 20
AMPLE_STOCK = 500

Basket = list[Item]


@dataclass(frozen=True, slots=True)
class Assortment:
    """Products of this run alone, so that the demo can be played again and again."""

    last_unit: str
    rush: dict[str, int]
    """Stock by SKU."""


def new_assortment() -> Assortment:
    run = secrets.token_hex(4)
    stocks = [SHORT_STOCK] * SHORT_PRODUCTS + [AMPLE_STOCK] * (RUSH_PRODUCTS - SHORT_PRODUCTS)
    rush = {f"DEMO-{run}-{number:02}": stock for number, stock in enumerate(stocks, 1)}
    return Assortment(f"DEMO-{run}-LAST", rush)


def open_shop(system: System, assortment: Assortment) -> None:
    with Customer(system, "demo-clerk", "products:write") as clerk:
        for sku, stock in {assortment.last_unit: 1, **assortment.rush}.items():
            clerk.create_product(sku, stock)


def play_last_unit(system: System, assortment: Assortment, tally: Tally) -> None:
    """All buyers hold an open connection and send at the same moment."""
    basket: Basket = [{"sku": assortment.last_unit, "quantity": 1}]
    _play(system, [[basket]] * BUYERS, tally)
    tally.stock_left = _stock_left(system, [assortment.last_unit])


def play_rush(system: System, assortment: Assortment, tally: Tally) -> None:
    """The same buyers come back for many products, each with one basket after the other."""
    skus = list(assortment.rush)
    baskets = [_basket(skus) for _ in range(RUSH_ORDERS)]
    _play(system, [baskets[number::BUYERS] for number in range(BUYERS)], tally)
    tally.stock_left = _stock_left(system, skus)


def _play(system: System, baskets_by_buyer: list[list[Basket]], tally: Tally) -> None:
    everybody_is_here = threading.Barrier(len(baskets_by_buyer))

    def buy(number: int) -> None:
        with Customer(system, f"buyer-{number}") as buyer:
            everybody_is_here.wait(PATIENCE_SECONDS)
            _buy(buyer, baskets_by_buyer[number], tally)

    all_at_once(buy, len(baskets_by_buyer))


def _buy(buyer: Customer, baskets: list[Basket], tally: Tally) -> None:
    """Places all orders, and asks for each as soon as that is allowed."""
    placed = deque[Placed]()
    for basket in baskets:
        placed.append(buyer.place_order(basket))
        tally.accept()
        while placed and placed[0].ask_at <= time.monotonic():
            tally.finish(buyer.wait_until_final(placed.popleft()))
    for order in placed:
        tally.finish(buyer.wait_until_final(order))


def _stock_left(system: System, skus: list[str]) -> int:
    with Customer(system, "demo-clerk") as clerk:
        return sum(clerk.stock_left(sku) for sku in skus)


def _basket(skus: list[str]) -> Basket:
    """One to three products, a unit or two of each."""
    chosen = random.sample(skus, k=random.choice([1, 1, 1, 2, 3]))  # noqa: S311 - no secret
    return [{"sku": sku, "quantity": random.choice([1, 1, 2])} for sku in chosen]  # noqa: S311
