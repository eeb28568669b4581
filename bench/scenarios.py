"""What is measured: the comparison that every contender runs, and how long the rounds are."""

from dataclasses import dataclass

from bench.measure import Scenario

SKUS = 1_000
"""Products that are there; a hot one is the first of them."""

WARM_UP = Scenario("warm-up", skus=SKUS, connections=32, seconds=2)


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of every contender in turn; `open_loop` at half of the peak of its own."""

    rounds: int
    scenarios: list[Scenario]
    open_loop: bool


def full() -> Plan:
    """About half an hour."""
    connections = [
        Scenario(f"{count} connections", skus=SKUS, connections=count, seconds=5) for count in (1, 16, 128, 512)
    ]
    return Plan(3, [*connections, Scenario("one hot SKU", skus=1, connections=128, seconds=5)], open_loop=True)


def quick() -> Plan:
    """Under two minutes, for every day."""
    return Plan(1, [Scenario("128 connections", skus=SKUS, connections=128, seconds=3)], open_loop=False)
