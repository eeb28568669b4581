"""Notices of finished orders: a hint that may be lost, and that never harms who sends it."""

import json

from shared.notices import CHANNEL, FinishedOrders


def test_who_listens_gets_the_ids_of_finished_orders(redis):
    listener = redis.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(CHANNEL)
    listener.get_message()
    FinishedOrders(redis).publish(("1", "2"))
    assert json.loads(listener.get_message()["data"]) == ["1", "2"]
    listener.close()


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
