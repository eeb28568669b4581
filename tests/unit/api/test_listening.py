"""The subscription: it hears what is published, ignores what is none of ours, and comes back by itself."""

import time
from collections.abc import Callable, Iterator

import pytest

from api.app import make_listener
from api.listening import NoticeListener
from shared.domain.order import Status
from shared.notices import CHANNEL, FinishedOrders, Notice
from tests.builders import an_order, an_order_id


class Heard:
    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.hearing: list[bool] = []


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def heard(redis, monkeypatch) -> Iterator[Heard]:
    monkeypatch.setattr("api.listening.PAUSE_SECONDS", 0.01)
    heard = Heard()
    listener = NoticeListener(redis, on_notice=heard.notices.append, on_hearing=heard.hearing.append)
    listener.start()
    wait_until(lambda: heard.hearing)
    yield heard
    listener.stop(5)


def test_what_is_published_is_heard(redis, heard):
    FinishedOrders(redis).publish(["1", "2"])
    wait_until(lambda: heard.notices)
    assert heard.notices == [Notice(("1", "2"), None)]


@pytest.mark.parametrize("message", ["", "{", "[]", '["1"]', "7", '{"order_ids": "1"}', b"\xff", "[" * 100_000])
def test_what_is_none_of_ours_is_passed_over(redis, heard, message):
    redis.publish(CHANNEL, message)
    FinishedOrders(redis).publish(["1"])
    wait_until(lambda: heard.notices)
    assert heard.notices == [Notice(("1",), None)]


def test_it_subscribes_again_when_redis_is_back_and_says_so(redis, redis_server, heard, logged):
    redis_server.connected = False
    wait_until(lambda: logged)
    wait_until(lambda: heard.hearing[-1] is False)
    redis_server.connected = True
    wait_until(lambda: heard.hearing.count(True) > 1)
    FinishedOrders(redis).publish(["1"])
    wait_until(lambda: heard.notices)
    assert {entry["event"] for entry in logged} == {"no notices of finished orders, reading MongoDB"}
    assert len(logged) <= 2


def test_a_connection_on_which_nothing_is_answered_is_given_up(redis, monkeypatch):
    monkeypatch.setattr("api.listening.SILENCE_SECONDS", 0.05)
    monkeypatch.setattr("api.listening.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("redis.client.PubSub.ping", lambda _: None)
    heard = Heard()
    listener = NoticeListener(redis, on_notice=heard.notices.append, on_hearing=heard.hearing.append)
    listener.start()
    wait_until(lambda: heard.hearing.count(True) > 1)
    listener.stop(5)


def test_a_notice_wakes_who_waits_and_tells_how_long_orders_take(redis, resources):
    listener = make_listener(resources)
    listener.start()
    wait_until(lambda: redis.pubsub_numsub(CHANNEL)[0][1])
    order_id = an_order_id()
    orders = iter([an_order(order_id=order_id), an_order(order_id=order_id, status=Status.CONFIRMED)])

    def read():
        order = next(orders)
        if order.status is Status.PENDING:
            FinishedOrders(redis).publish([order_id])
        return order

    order, done = resources.waiting_room.wait_until_final(an_order(order_id=order_id), read, seconds=30)
    assert (order.status, done) == (Status.CONFIRMED, True)
    assert resources.pace.silent_seconds() < 5
    listener.stop(5)
