"""The two acts of the demo: who buys what, and when."""

import asyncio
import random
import secrets
from dataclasses import dataclass

from local.demo_customer import Customer, Item
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


async def open_shop(system: System, assortment: Assortment) -> None:
    async with Customer(system, "demo-clerk", "products:write") as clerk:
        for sku, stock in {assortment.last_unit: 1, **assortment.rush}.items():
            await clerk.create_product(sku, stock)


async def play_last_unit(system: System, assortment: Assortment, tally: Tally) -> None:
    """All buyers hold an open connection and send at the same moment."""
    baskets: list[Basket] = [[{"sku": assortment.last_unit, "quantity": 1}]]
    everybody_is_here = asyncio.Barrier(BUYERS)
    buyers = (_buy(system, number, baskets, tally, everybody_is_here) for number in range(BUYERS))
    await asyncio.gather(*buyers)
    tally.stock_left = await _stock_left(system, [assortment.last_unit])


async def play_rush(system: System, assortment: Assortment, tally: Tally) -> None:
    """The same buyers come back for many products; each places one order after the other."""
    skus = list(assortment.rush)
    baskets = [_basket(skus) for _ in range(RUSH_ORDERS)]
    everybody_is_here = asyncio.Barrier(BUYERS)
    buyers = (_buy(system, number, baskets[number::BUYERS], tally, everybody_is_here) for number in range(BUYERS))
    await asyncio.gather(*buyers)
    tally.stock_left = await _stock_left(system, skus)


async def _buy(
    system: System, number: int, baskets: list[Basket], tally: Tally, everybody_is_here: asyncio.Barrier
) -> None:
    async with Customer(system, f"buyer-{number}") as buyer:
        await everybody_is_here.wait()
        orders = []
        for basket in baskets:
            orders.append(await buyer.place_order(basket))
            tally.accept()
        for order in orders:
            tally.finish(await buyer.wait_until_final(order))


async def _stock_left(system: System, skus: list[str]) -> int:
    async with Customer(system, "demo-clerk") as clerk:
        return sum([await clerk.stock_left(sku) for sku in skus])


def _basket(skus: list[str]) -> Basket:
    """One to three products, a unit or two of each."""
    chosen = random.sample(skus, k=random.choice([1, 1, 1, 2, 3]))  # noqa: S311 - no secret
    return [{"sku": sku, "quantity": random.choice([1, 1, 2])} for sku in chosen]  # noqa: S311
