"""The body of an order, put together by hand, is what its schema says."""

import orjson
import pytest

from api.order_body import order_body
from api.schemas import OrderOut
from shared.clock import now
from shared.domain.money import Money
from shared.domain.order import HistoryEntry, Line, Reason, ReasonCode, RefusedLine, Status
from tests.builders import an_order

EURO = Money(1250, "EUR")
SOLD, REFUSED = Line("MUG-01", 2, EURO), RefusedLine("MUG-01", 3, 0)

ORDERS = {
    "pending": an_order(Line("MUG-01", 2), Line("TEE-01", 1)),
    "named": an_order(reference="Tür 7"),
    "confirmed": an_order(SOLD, status=Status.CONFIRMED, total=Money(2 * EURO.amount, EURO.currency)),
    "free": an_order(status=Status.CONFIRMED, total=Money(0, "EUR")),
    "rejected": an_order(
        status=Status.REJECTED,
        reason=Reason(ReasonCode.OUT_OF_STOCK, (REFUSED, RefusedLine("GONE", 1, None))),
        history=(HistoryEntry(Status.PENDING, now()), HistoryEntry(Status.REJECTED, now(), by="alice")),
    ),
    "failed": an_order(status=Status.FAILED, reason=Reason(ReasonCode.UNPROCESSABLE)),
    "on the full second": an_order(created_at=now().replace(microsecond=0)),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_body_is_what_the_schema_would_write(order):
    assert orjson.loads(orjson.dumps(order_body(order))) == OrderOut().dump(order)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_its_members_come_in_the_order_of_the_schema(order):
    assert list(order_body(order)) == list(OrderOut().dump(order))
