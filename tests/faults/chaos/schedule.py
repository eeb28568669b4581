"""Which faults happen when: a table of kinds, and a schedule that follows from the seed alone."""

import random
from dataclasses import dataclass

Deck = list["Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`seconds`: how long it stays down or hangs, from and to. `weight`: how often it comes in a deck."""

    name: str
    part: str
    action: str
    seconds: tuple[float, float]
    weight: int = 1


SUPERVISED = (1.0, 1.0)
"""A supervisor starts it again after a second."""

KINDS = [
    Kind("worker killed", "worker-1", "kill", SUPERVISED, weight=2),
    Kind("worker killed", "worker-2", "kill", SUPERVISED, weight=2),
    Kind("worker hung", "worker-1", "hang", (1.0, 5.0)),
    Kind("API process killed", "api", "kill a child", SUPERVISED, weight=3),
    Kind("API parent killed", "api", "kill", SUPERVISED),
    Kind("whole API killed", "api", "kill with children", SUPERVISED, weight=2),
    Kind("beat killed", "beat", "kill", SUPERVISED),
    Kind("MongoDB killed", "mongod", "kill", (0.3, 3.0), weight=3),
    Kind("MongoDB hung", "mongod", "hang", (1.0, 4.0)),
    Kind("broker killed", "broker", "kill", (0.3, 3.0), weight=2),
    Kind("broker killed, its data lost", "broker", "kill and lose data", (0.3, 3.0)),
    Kind("broker emptied", "broker", "empty", (0.0, 0.0), weight=2),
    Kind("broker hung", "broker", "hang", (1.0, 4.0)),
    Kind("cache killed", "cache", "kill", (0.3, 3.0)),
    Kind("cache emptied", "cache", "empty", (0.0, 0.0)),
    Kind("cache hung", "cache", "hang", (1.0, 4.0)),
]

KIND_NAMES = list(dict.fromkeys(kind.name for kind in KINDS))


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` and `seconds` count from the start; `choice` picks one where there are several."""

    at: float
    kind: Kind
    seconds: float
    choice: int


def make_schedule(seed: int, *, seconds: float, gap: float) -> list[Fault]:
    """Faults in order of time, `gap` seconds apart on average. Kinds are dealt from a shuffled deck, so none is missing
    for long, and a part that is down is left alone until it is back."""
    rng = random.Random(f"faults-{seed}")
    faults: list[Fault] = []
    free_at: dict[str, float] = {}
    deck: Deck = []
    at = rng.uniform(0, 2 * gap)
    while at < seconds:
        deck = deck or _shuffled_deck(rng)
        kind = deck.pop()
        fault = Fault(max(at, free_at.get(kind.part, 0.0)), kind, rng.uniform(*kind.seconds), rng.randrange(1_000))
        if fault.at + fault.seconds < seconds:
            faults.append(fault)
            free_at[kind.part] = fault.at + fault.seconds + 0.5
        at += rng.uniform(0, 2 * gap)
    return sorted(faults, key=lambda fault: fault.at)


def _shuffled_deck(rng: random.Random) -> Deck:
    deck = [kind for kind in KINDS for _ in range(kind.weight)]
    rng.shuffle(deck)
    return deck
