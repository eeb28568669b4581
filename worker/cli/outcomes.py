"""What became of each order that a command was to change, told as it goes on to people, and at the end to programs."""

from types import TracebackType

import click

from shared.domain.errors import OrderNotCancellable, OrderNotFound, OrderNotRetryable, OrderUnreadable
from shared.domain.order import Order
from worker.cli.shapes import Shape, write
from worker.cli.tools import EXIT_FOUND

Outcome = Order | OrderNotFound | OrderNotRetryable | OrderNotCancellable | OrderUnreadable
"""The order as it is now, or why it was refused."""

PROBLEMS = {
    OrderNotFound: "order-not-found",
    OrderNotRetryable: "order-not-retryable",
    OrderNotCancellable: "order-not-cancellable",
    OrderUnreadable: "order-unreadable",
}
"""The names that the HTTP API has for them."""


class Outcomes:
    """The document is also written when the command ends early: by an outage, or by Ctrl-C. Then it is not complete."""

    def __init__(self, done: str, *, as_json: bool) -> None:
        """`done` is what people are told of an order that was not refused."""
        self.figures: Shape = {}
        """What else the document has."""
        self.changed = 0
        self._done = done
        self._refused = 0
        self._as_json = as_json
        self._shapes: list[Shape] = []

    def __enter__(self) -> "Outcomes":
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if self._as_json:
            write({"orders": self._shapes, "complete": error is None, **self.figures})
        else:
            click.echo(f"{self.changed} {self._done}, {self._refused} refused")
        if error is None and self._refused:
            raise SystemExit(EXIT_FOUND)

    def add(self, outcome: Outcome) -> None:
        refused = not isinstance(outcome, Order)
        self._refused += refused
        self.changed += not refused
        if self._as_json:
            self._shapes.append(_shape(outcome))
        else:
            click.echo(f"{outcome.order_id}  {_why(outcome) or self._done}")


def _shape(outcome: Outcome) -> Shape:
    if isinstance(outcome, Order):
        return {"id": outcome.order_id, "status": outcome.status.value, "problem": None}
    status = None if isinstance(outcome, OrderNotFound | OrderUnreadable) else outcome.status
    return {"id": outcome.order_id, "status": status, "problem": PROBLEMS[type(outcome)]}


def _why(outcome: Outcome) -> str | None:
    match outcome:
        case Order():
            return None
        case OrderNotFound():
            return "refused: no such order"
        case OrderUnreadable(what=what):
            return f"refused: what is stored can't be read ({what})"
    return f"refused: it is {outcome.status}"
