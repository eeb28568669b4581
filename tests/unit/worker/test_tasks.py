"""The tasks are thin: what they hand on, and when they are tried again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from unittest.mock import patch

import pytest
from prometheus_client import REGISTRY

from shared.domain.allocation import Decision, Rejected
from shared.domain.errors import Unavailable
from shared.domain.order import Reason, ReasonCode
from shared.queue import PROCESS_ORDERS, REQUEST_IDS, SWEEP_ORDERS
from tests.builders import ENVIRONMENT


@pytest.fixture
def tasks() -> ModuleType:
    """Imported here, because the Celery app reads its settings when it is imported, as the celery command wants it."""
    with patch.dict(os.environ, ENVIRONMENT, clear=True):
        import worker.tasks

        return worker.tasks


@pytest.fixture
def decided(tasks, monkeypatch) -> list[tuple[list[str], bool]]:
    """What the decider was asked to decide. It rejects the order 1, and finds no other one pending."""
    decided: list[tuple[list[str], bool]] = []

    def decide(order_ids: list[str], *, again: bool) -> dict[str, Decision | None]:
        decided.append((order_ids, again))
        rejected = Rejected("1", Reason(ReasonCode.OUT_OF_STOCK))
        return {order_id: rejected if order_id == "1" else None for order_id in order_ids}

    decider = SimpleNamespace(decide=decide)
    monkeypatch.setattr(tasks, "resources", lambda: SimpleNamespace(decider=decider, database="database"))
    return decided


@pytest.fixture
def reopened(tasks, monkeypatch) -> list[list[str]]:
    """Which orders were to be pending again, if they had failed."""
    reopened: list[list[str]] = []
    monkeypatch.setattr(tasks, "reopen_failed", lambda _database, _settings, order_ids, **_: reopened.append(order_ids))
    return reopened


@contextmanager
def requested(tasks, **request: object) -> Iterator[None]:
    """As if the message had come so."""
    tasks.process_orders.push_request(**request)
    try:
        yield
    finally:
        tasks.process_orders.pop_request()


def test_the_order_ids_of_a_message_are_handed_to_the_decider_together(tasks, decided):
    tasks.process_orders(["1", "2"], again=False)
    assert decided == [(["1", "2"], False)]


def test_a_message_of_the_sweeper_says_that_its_orders_were_announced_before(tasks, decided):
    tasks.process_orders(["1"], again=True)
    assert decided == [(["1"], True)]


def test_a_message_that_comes_back_counts_as_announced_before(tasks, decided, reopened):
    with requested(tasks, delivery_info={"redelivered": True}):
        tasks.process_orders.run(["1"])
    assert (decided, reopened) == ([(["1"], True)], [])


def test_orders_that_a_person_calls_for_are_tried_once_more_when_they_have_failed(tasks, decided, reopened):
    tasks.process_orders(["1", 7])
    assert (decided, reopened) == ([(["1"], False)], [["1"]])


@pytest.mark.parametrize("again", [True, False])
def test_an_announcement_never_brings_a_failed_order_back(tasks, decided, reopened, again):
    tasks.process_orders(["1"], again=again)
    assert (decided, reopened) == ([(["1"], again)], [])


def test_the_second_try_of_a_call_does_so_too(tasks, decided, reopened):
    """The first may have met an outage before it could."""
    with requested(tasks, retries=1):
        tasks.process_orders.run(["1"])
    assert (decided, reopened) == ([(["1"], False)], [["1"]])


def test_the_log_names_the_requests_of_a_message(tasks, decided, logged):
    with requested(tasks, id="task-1", headers={REQUEST_IDS: ["of-alice"]}):
        tasks.process_orders.run(["1"], again=False)
    [line] = logged
    assert (line["task_id"], line["order_ids"], line["request_ids"]) == ("task-1", ["1"], ["of-alice"])
    assert decided == [(["1"], False)]


def test_one_id_without_a_list_is_that_order(tasks, decided):
    tasks.process_orders("1", again=False)
    assert decided == [(["1"], False)]


def test_a_text_that_no_id_can_be_is_left_out(tasks, decided):
    tasks.process_orders(["1", "\ud800"], again=False)
    assert decided == [(["1"], False)]


@pytest.mark.usefixtures("decided")
def test_its_result_is_what_the_orders_of_the_message_came_to(tasks):
    assert tasks.process_orders(["2", "1", 7], again=False) == "1 rejected, 1 already final or put off"


def test_an_outage_is_tried_again_and_a_bug_is_not(tasks):
    assert tasks.process_orders.autoretry_for == (Unavailable,)
    assert tasks.process_orders.max_retries == 5


@pytest.mark.parametrize(("error", "counted"), [(Unavailable("MongoDB"), 0), (KeyError("a bug"), 1)])
def test_a_task_that_fails_is_a_defect_but_for_an_outage(tasks, monkeypatch, error, counted):
    """An outage is tried again first, five times, and none of them is a failure."""
    tried: list[object] = []

    def decide(*_: object, **__: object) -> None:
        tried.append(error)
        raise error

    monkeypatch.setattr(tasks, "resources", lambda: SimpleNamespace(decider=SimpleNamespace(decide=decide)))
    before = defects()
    assert tasks.process_orders.apply(args=(["1"],), kwargs={"again": False}).failed()
    assert (len(tried), defects() - before) == (1 if counted else 6, counted)


def defects() -> float:
    return REGISTRY.get_sample_value("order_processor_unexpected_errors_total") or 0


def test_the_tasks_have_the_names_under_which_they_are_announced(tasks):
    assert tasks.process_orders.name == PROCESS_ORDERS
    assert tasks.sweep.name == SWEEP_ORDERS


def test_a_sweep_that_went_through_shows_that_the_worker_lives(tasks, monkeypatch, database):
    monkeypatch.setattr(tasks, "resources", lambda: SimpleNamespace(database=database))
    monkeypatch.setattr(tasks, "sweep_orders", lambda *_: 3)
    assert tasks.sweep() == 3
    assert database.heartbeats.count_documents({"_id": "worker"}) == 1


def test_a_sweep_that_failed_does_not(tasks, monkeypatch, database):
    def unavailable(*_: object) -> int:
        raise Unavailable("MongoDB")

    monkeypatch.setattr(tasks, "resources", lambda: SimpleNamespace(database=database))
    monkeypatch.setattr(tasks, "sweep_orders", unavailable)
    with pytest.raises(Unavailable):
        tasks.sweep()
    assert database.heartbeats.count_documents({}) == 0


def test_two_sweeps_of_one_worker_do_not_fill_the_queue_side_by_side(tasks, monkeypatch):
    monkeypatch.setattr(tasks, "sweep_orders", lambda *_: pytest.fail("another one is at it"))
    with tasks.sweeping:
        assert tasks.sweep() == 0
