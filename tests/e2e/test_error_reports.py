"""Errors are reported to Sentry when SENTRY_DSN asks for it, with what the log says of them and no secret."""

import json

import httpx

from tests.builders import an_order
from tests.collector import Collector
from tests.mongo import put_orders
from tests.stack import SECRET, Stack, wait_until


def test_a_defect_that_a_request_meets_is_reported_with_its_traceback_and_request_id(
    stack: Stack, collector: Collector
) -> None:
    stack.environment |= {"SENTRY_DSN": collector.dsn, "SENTRY_ENVIRONMENT": "tests"}
    stack.start_api()
    meet_a_defect(stack)
    wait_until(lambda: collector.events, "the report")

    [event] = collector.events
    assert event["contexts"]["log"].keys() == {"event", "level", "logger", "timestamp", "request_id"}
    assert event["contexts"]["log"]["request_id"] == "of-alice"
    assert event["tags"]["part"] == "api"
    assert (event["environment"], event["level"]) == ("tests", "error")
    text = json.dumps(event)
    assert [secret for secret in (SECRET, "Bearer", "vars") if secret in text] == []


def test_an_order_that_fails_is_reported_by_its_worker(stack: Stack, collector: Collector) -> None:
    stack.environment |= {"SENTRY_DSN": collector.dsn}
    order = an_order()
    put_orders(stack.database, order)
    stack.database.orders.update_one({"_id": order.order_id}, {"$set": {"items": "damaged"}})
    stack.start_beat()
    stack.start_worker()
    stack.wait_until_decided()
    wait_until(lambda: any(event.get("message") == "order failed" for event in collector.events), "the report")
    [failed] = [event for event in collector.events if event.get("message") == "order failed"]
    assert failed["contexts"]["log"]["order_id"] == order.order_id
    assert failed["tags"]["part"] == "worker"
    [tried] = [event for event in collector.events if "exception" in event]
    assert tried["contexts"]["log"]["event"] == "order not processed"
    assert tried["exception"]["values"][-1]["stacktrace"]["frames"]


def test_a_report_that_can_not_be_sent_costs_no_answer(stack: Stack) -> None:
    stack.environment |= {"SENTRY_DSN": "http://key@127.0.0.1:9/1"}
    api = stack.start_api()
    meet_a_defect(stack)
    api.terminate()
    assert api.wait(5.5) == 0, "make run would kill it after six seconds"


def meet_a_defect(stack: Stack) -> None:
    """The answer to a request for an order that somebody has damaged is a 500."""
    [order_id] = put_orders(stack.database, an_order(customer="alice"))
    stack.database.orders.update_one({"_id": order_id}, {"$set": {"history": "damaged"}})
    with stack.client() as client:
        answer = client.get(f"/v1/orders/{order_id}", headers={"X-Request-ID": "of-alice"})
    assert answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
