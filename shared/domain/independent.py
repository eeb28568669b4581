"""Which pending orders have nothing to do with each other: they can be decided side by side."""

from collections import Counter
from collections.abc import Sequence

from shared.domain.allocation import PendingOrder


def independent_parts(orders: Sequence[PendingOrder], count: int) -> list[list[PendingOrder]]:
    """At most so many parts, about as long as each other, none empty; no product is in two of them.

    Within a part the orders keep their order. Orders that share a product, directly or through others, stay together.
    """
    leaders = _Leaders()
    for order in orders:
        leaders.unite([line.sku for line in order.items])
    groups = [leaders.of(order.items[0].sku) for order in orders]
    parts: list[list[PendingOrder]] = [[] for _ in range(count)]
    part_of = _spread(Counter(groups), count)
    for order, group in zip(orders, groups, strict=True):
        parts[part_of[group]].append(order)
    return [part for part in parts if part]


class _Leaders:
    """Disjoint sets of SKUs, each known by one of its members (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def of(self, sku: str) -> str:
        parents = self._parents
        while (parent := parents.setdefault(sku, sku)) != sku:
            parents[sku] = sku = parents[parent]  # halves the way for whoever comes next
        return sku

    def unite(self, skus: Sequence[str]) -> None:
        for sku in skus[1:]:
            self._parents[self.of(sku)] = self.of(skus[0])


def _spread(sizes: Counter[str], count: int) -> dict[str, int]:
    """The number of a part for each group: the largest first, each to the part that is the shortest so far."""
    lengths = [0] * count
    part_of = {}
    for group, size in sizes.most_common():
        part_of[group] = shortest = lengths.index(min(lengths))
        lengths[shortest] += size
    return part_of
