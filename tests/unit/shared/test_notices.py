"""Notices of finished orders: a hint that may be lost, and that never harms who sends it or who hears it."""

import json
from datetime import timedelta

import pytest

from shared.clock import now
from shared.notices import CHANNEL, FinishedOrders, Notice, read_notice, waited_seconds
from tests.builders import an_order_id


def test_who_listens_gets_the_ids_of_finished_orders_and_how_long_they_waited(redis):
    listener = redis.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(CHANNEL)
    listener.get_message()
    order_ids = (an_order_id(), an_order_id())
    FinishedOrders(redis).publish(order_ids)
    notice = read_notice(listener.get_message()["data"])
    listener.close()
    assert notice.order_ids == order_ids
    assert 0 <= notice.waited_seconds < 5


def test_nothing_finished_nothing_is_said(redis, redis_server, logged):
    redis_server.connected = False
    FinishedOrders(redis).publish([])
    assert logged == []


def test_without_redis_nothing_is_raised_and_it_is_logged_once(redis, redis_server, logged):
    redis_server.connected = False
    notices = FinishedOrders(redis)
    notices.publish(["1"])
    notices.publish(["2"])
    assert [entry["event"] for entry in logged] == ["finished orders not published"]


def test_orders_have_waited_since_their_ids_were_made():
    order_ids = [an_order_id() for _ in range(3)]
    assert waited_seconds(order_ids, at=now() + timedelta(seconds=7)) == pytest.approx(7, abs=1)


def test_an_order_of_long_ago_says_nothing_of_the_others_and_clocks_may_differ():
    old = "00000000-0000-7000-8000-000000000000"
    assert waited_seconds([old, an_order_id(), an_order_id()], at=now()) < 5
    assert waited_seconds([an_order_id()], at=now() - timedelta(hours=1)) == 0


def test_ids_of_another_form_tell_no_time():
    assert waited_seconds(["1", "b7a2ae1c-5f0e-4a39-a5b5-7a1d0f1d7e10"], at=now()) is None


@pytest.mark.parametrize("message", ["", "{", b"\xff", "null", "7", '["1"]', "{}", '{"order_ids": "12"}', None, 7])
def test_what_is_no_notice_is_none(message):
    assert read_notice(message) is None


@pytest.mark.parametrize("waited", [None, True, "7", -1, float("nan"), float("inf"), 1e300, [], {}])
def test_a_time_that_is_none_is_left_out(waited):
    message = json.dumps({"order_ids": ["1", 2, None], "waited_seconds": waited})
    assert read_notice(message) == Notice(("1",), None)


def test_a_notice_may_have_more_to_say_later():
    assert read_notice(b'{"order_ids": ["1"], "waited_seconds": 2, "x": 1}') == Notice(("1",), 2.0)
