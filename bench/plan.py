"""How much is measured: the scenarios that every contender goes through, and how long and often everything is."""

from dataclasses import dataclass, replace

from bench import tables

SKUS = 1_000
"""Products that are there; a hot one is the first of them."""

CONNECTIONS = (1, 16, 128, 512)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`rate`: orders a second in an open loop; None for a closed one."""

    name: str
    skus: int
    connections: int
    seconds: int
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of every contender in turn, `seconds` each scenario; `turns` of everything within an experiment.

    `stored`: how many orders are stored where few are, and where many are. `burst`: orders that are sent at once.
    """

    name: str
    rounds: int
    seconds: int
    connections: tuple[int, ...]
    open_loop: bool
    turns: int
    turn_seconds: int
    stored: tuple[int, int]
    burst: int

    @property
    def scenarios(self) -> list[Scenario]:
        counts = [Scenario(tables.connections(count), SKUS, count, self.seconds) for count in self.connections]
        return [*counts, Scenario(tables.HOT, 1, 128, self.seconds)]

    def open_loop_at(self, rate: float) -> Scenario:
        return Scenario(tables.OPEN_LOOP, SKUS, 128, self.seconds, rate)


WARM_UP = Scenario("warm-up", skus=SKUS, connections=32, seconds=2)

FULL = Plan(
    "full",
    rounds=6,
    seconds=3,
    connections=CONNECTIONS,
    open_loop=True,
    turns=9,
    turn_seconds=1,
    stored=(10_000, 1_000_000),
    burst=20_000,
)
"""About half an hour: six rounds are the fewest that tell between what a median lies with a confidence of 95 %, and of
nine the two outermost may be left out.
"""

QUICK = Plan(
    "quick",
    rounds=1,
    seconds=2,
    connections=(128,),
    open_loop=False,
    turns=1,
    turn_seconds=1,
    stored=(2_000, 20_000),
    burst=5_000,
)
"""Under two minutes, for every day."""


STORED_MIN = 100 * 100
"""Of the many: with fewer, the few are none to speak of."""


def changed(plan: Plan, *, rounds: int | None, stored: int | None) -> Plan:
    """Another plan, by what was asked for: `stored` are the many, a hundredth of them the few."""
    if not rounds and not stored:
        return plan
    return replace(
        plan,
        name=f"{plan.name}, changed",
        rounds=rounds or plan.rounds,
        turns=rounds or plan.turns,
        stored=(stored // 100, stored) if stored else plan.stored,
    )
