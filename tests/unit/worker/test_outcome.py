"""What the task of a message says that its orders came to."""

import pytest

from shared.domain.allocation import Confirmed, Decision, Rejected
from shared.domain.money import Money
from shared.domain.order import Reason, ReasonCode
from worker.outcome import outcome_of

CONFIRMED = Confirmed("1", (), Money(0, "EUR"))
REJECTED = Rejected("2", Reason(ReasonCode.OUT_OF_STOCK))


@pytest.mark.parametrize(
    ("decisions", "text"),
    [
        ([CONFIRMED], "1 confirmed"),
        ([CONFIRMED, REJECTED, REJECTED], "1 confirmed, 2 rejected"),
        ([None, CONFIRMED], "1 confirmed, 1 already final or put off"),
        ([None, REJECTED, None, CONFIRMED], "1 confirmed, 1 rejected, 2 already final or put off"),
        ([None], "1 already final or put off"),
        ([], "no orders"),
    ],
)
def test_it_counts_the_orders_by_what_they_came_to(decisions: list[Decision | None], text: str) -> None:
    assert outcome_of(decisions) == text
