"""The one Celery configuration, and announcing: on the transport in memory, whose queues all apps share."""

import time
from collections.abc import Iterator
from types import SimpleNamespace

import kombu
import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from shared.domain.errors import Unavailable
from shared.queue import (
    MAINTENANCE_QUEUE,
    ORDERS_QUEUE,
    PROCESS_ORDERS,
    SWEEP_EXPIRES_SECONDS,
    SWEEP_ORDERS,
    VISIBILITY_TIMEOUT_SECONDS,
    Announcement,
    Announcer,
    announce_orders,
    make_celery,
    ping_broker,
)
from tests.builders import settings


@pytest.fixture
def celery() -> Iterator[Celery]:
    celery = make_celery(settings(redis_broker_url="memory://"))
    messages(celery)
    yield celery
    celery.close()


def messages(celery: Celery, queue: str = ORDERS_QUEUE) -> list[kombu.Message]:
    """Takes all the messages from the queue."""
    with celery.connection_for_read() as connection, connection.channel() as channel:
        bound = celery.amqp.queues[queue](channel)
        bound.declare()
        return list(iter(lambda: bound.get(no_ack=True), None))


class BrokenBroker:
    """Stands in for a Celery app whose broker does not take messages."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.tried: list[list[str]] = []

    def send_task(self, _name: str, *, args: list[list[str]], **_options: object) -> None:
        self.tried += args
        raise self.error


def test_one_message_carries_all_the_order_ids_and_nothing_else(celery):
    announce_orders(celery, ("1", "2"))
    [message] = messages(celery)
    assert message.headers["task"] == PROCESS_ORDERS
    assert message.payload[:2] == [[["1", "2"]], {"again": False}]
    assert message.content_type == "application/json"


@pytest.mark.parametrize("error", [OperationalError("gone"), ConnectionRefusedError("gone"), TimeoutError("gone")])
def test_a_broker_that_does_not_take_the_message_is_unavailable(error):
    with pytest.raises(Unavailable) as refusal:
        announce_orders(BrokenBroker(error), ["1"])
    assert refusal.value.__cause__ is error


def test_an_announcer_sends_what_it_is_given(celery):
    announcer = Announcer(celery)
    announcer.announce([Announcement("1", "of-alice"), Announcement("2", "of-alice"), Announcement("3")])
    announcer.close(5)
    [message] = messages(celery)
    assert message.payload[0] == [["1", "2", "3"]]
    assert message.headers["request_ids"] == ["of-alice"]


def test_an_announcer_leaves_what_it_can_not_send_to_the_sweeper_and_says_so_once(logged, monkeypatch):
    monkeypatch.setattr("shared.throttle.time", SimpleNamespace(monotonic=lambda: 1.0))  # "once" is once a second
    broker = BrokenBroker(OperationalError("gone"))
    announcer = Announcer(broker)
    deadline = time.monotonic() + 5
    while len(broker.tried) < 2 and time.monotonic() < deadline:
        announcer.announce([Announcement("1")])
    announcer.close(5)
    assert len(broker.tried) >= 2
    assert [entry["event"] for entry in logged] == ["announcement failed, left to the sweeper"]


def test_what_is_announced_while_the_process_ends_is_left_to_the_sweeper(celery):
    announcer = Announcer(celery)
    announcer.close(5)
    announcer.announce([Announcement("1")])
    assert messages(celery) == []


def test_a_broker_that_answers_is_pinged_without_complaint(celery):
    ping_broker(celery)


def test_sweeps_go_to_a_queue_of_their_own(celery):
    celery.send_task(SWEEP_ORDERS)
    assert [message.headers["task"] for message in messages(celery, MAINTENANCE_QUEUE)] == [SWEEP_ORDERS]
    assert messages(celery) == []


def test_messages_are_acknowledged_late_and_only_json_is_read(celery):
    assert celery.conf.task_acks_late
    assert celery.conf.task_reject_on_worker_lost
    assert celery.conf.accept_content == ["json"]
    assert celery.conf.task_ignore_result


def test_the_visibility_timeout_is_where_the_transport_reads_it(celery):
    assert celery.conf.broker_transport_options["visibility_timeout"] == VISIBILITY_TIMEOUT_SECONDS


def test_sweeps_that_no_worker_takes_do_not_pile_up():
    celery = make_celery(settings(sweep_every_seconds=0.2))
    assert celery.conf.beat_schedule[SWEEP_ORDERS]["schedule"] == 0.2
    assert celery.conf.beat_schedule[SWEEP_ORDERS]["options"] == {"expires": SWEEP_EXPIRES_SECONDS}


def test_making_an_app_does_not_make_it_the_current_one(celery):
    import celery as library

    assert library.current_app.main != celery.main
