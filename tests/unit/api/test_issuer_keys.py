"""When the issuer is asked for its keys, who waits for that, and what a token gets meanwhile. Without a network."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.issuer_keys import APART_SECONDS, FRESH_SECONDS, TRUSTED_SECONDS, WAIT_SECONDS, IssuerKeys, KeyUnknown
from api.public_keys import NamedKey
from shared.domain.errors import Unavailable
from tests.keys import rsa_key

ONE, TWO = rsa_key("one").public_key(), rsa_key("two").public_key()
DEADLINE = 10


class Issuer:
    """Answers with its keys, or its error, as soon as it may; and has a clock that stands still."""

    def __init__(self, *keys: NamedKey) -> None:
        self.keys = keys or (NamedKey("one", ONE),)
        self.error: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = 0
        self.time = 1_000.0

    def fetch(self) -> list[NamedKey]:
        self.asked += 1
        assert self.may_answer.wait(DEADLINE)
        if self.error:
            raise self.error
        return list(self.keys)

    def clock(self) -> float:
        return self.time


@pytest.fixture
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.may_answer.set()


def keys_of(issuer: Issuer, *, waiters_max: int = 4) -> IssuerKeys:
    return IssuerKeys(issuer.fetch, waiters_max=waiters_max, clock=issuer.clock)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def settled(keys: IssuerKeys) -> None:
    wait_until(lambda: keys._latest.outcome.done())


def outcome(keys: IssuerKeys, kid: str | None) -> object:
    """The key, or the kind of the refusal."""
    try:
        return keys.find(kid)
    except (KeyUnknown, Unavailable) as error:
        return type(error)


def test_keys_are_asked_for_at_once_and_the_first_token_finds_them(issuer):
    keys = keys_of(issuer)
    settled(keys)
    assert keys.find("one") == ONE
    assert issuer.asked == 1


def test_nobody_waits_at_the_start_for_an_issuer_that_hangs(issuer):
    issuer.may_answer.clear()
    with ThreadPoolExecutor() as pool:
        started = pool.submit(keys_of, issuer)
        try:
            assert started.result(DEADLINE) is not None
        finally:
            issuer.may_answer.set()


def test_a_token_that_comes_before_the_keys_waits_for_them(issuer):
    issuer.may_answer.clear()
    keys = keys_of(issuer)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(keys.find, "one")
        wait_until(lambda: keys._may_wait._value == 3)
        issuer.may_answer.set()
        assert waiting.result(DEADLINE) == ONE
    assert issuer.asked == 1


def test_a_known_key_is_not_asked_for_again_while_it_is_fresh(issuer):
    keys = keys_of(issuer)
    settled(keys)
    issuer.time += FRESH_SECONDS - 1
    assert [keys.find("one") for _ in range(100)] == [ONE] * 100
    assert issuer.asked == 1


def test_after_that_it_is_refreshed_and_nobody_waits(issuer):
    keys = keys_of(issuer)
    settled(keys)
    issuer.time += FRESH_SECONDS
    issuer.may_answer.clear()
    assert [keys.find("one") for _ in range(10)] == [ONE] * 10
    wait_until(lambda: issuer.asked == 2)
    issuer.keys = (NamedKey("one", TWO),)
    issuer.may_answer.set()
    settled(keys)
    assert keys.find("one") == TWO


def test_a_key_that_the_issuer_took_back_is_gone_with_the_next_refresh(issuer):
    keys = keys_of(issuer)
    settled(keys)
    issuer.keys = (NamedKey("two", TWO),)
    issuer.time += FRESH_SECONDS
    keys.find("one")
    settled(keys)
    assert outcome(keys, "one") is KeyUnknown


def test_known_keys_outlive_an_issuer_that_is_down_but_not_for_ever(issuer):
    keys = keys_of(issuer)
    settled(keys)
    issuer.error = OSError("down")
    issuer.time += TRUSTED_SECONDS - 1
    assert keys.find("one") == ONE
    settled(keys)
    assert keys.find("one") == ONE
    issuer.time += 1
    assert outcome(keys, "one") is Unavailable
    issuer.time += APART_SECONDS
    issuer.error = None
    assert keys.find("one") == ONE


def test_a_new_key_is_found_by_the_first_token_that_names_it(issuer):
    keys = keys_of(issuer)
    settled(keys)
    issuer.keys = (NamedKey("one", ONE), NamedKey("two", TWO))
    issuer.time += APART_SECONDS
    assert keys.find("two") == TWO
    assert issuer.asked == 2


def test_invented_key_ids_make_the_issuer_be_asked_once_in_a_while(issuer):
    keys = keys_of(issuer)
    settled(keys)
    for _ in range(3):
        issuer.time += APART_SECONDS
        assert {outcome(keys, f"invented-{n}") for n in range(100)} == {KeyUnknown}
    assert issuer.asked == 1 + 3


def test_and_so_it_is_when_they_come_all_at_once(issuer):
    keys = keys_of(issuer, waiters_max=16)
    settled(keys)
    issuer.time += APART_SECONDS
    issuer.may_answer.clear()
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(outcome, keys, f"invented-{n}") for n in range(16)]
        wait_until(lambda: keys._may_wait._value == 0)
        issuer.may_answer.set()
        assert {future.result(DEADLINE) for future in waiting} == {KeyUnknown}
    assert issuer.asked == 2


def test_threads_that_see_at_once_that_it_is_time_begin_one_refresh(issuer, monkeypatch):
    keys = keys_of(issuer)
    settled(keys)
    issuer.time += APART_SECONDS
    monkeypatch.setattr(keys, "_clock", lambda: time.sleep(0.001) or issuer.time)  # between looking and beginning
    with ThreadPoolExecutor(8) as pool:
        refreshes = {id(future.result(DEADLINE)) for future in [pool.submit(keys._refresh) for _ in range(8)]}
    settled(keys)
    assert len(refreshes) == 1
    assert issuer.asked == 2


@pytest.mark.parametrize("known", [True, False])
def test_while_the_issuer_is_down_an_unknown_key_is_nobodys_fault(issuer, known):
    issuer.error = None if known else OSError("down")
    keys = keys_of(issuer)
    settled(keys)
    issuer.error = OSError("down")
    issuer.time += APART_SECONDS
    with pytest.raises(Unavailable) as refusal:
        keys.find("two")
    assert refusal.value.retry_after_seconds == APART_SECONDS
    assert refusal.value.__cause__ is issuer.error
    assert outcome(keys, "one") == (ONE if known else Unavailable)
    assert issuer.asked == 2


def test_an_issuer_that_hangs_is_waited_for_a_moment_and_only_by_some(issuer, monkeypatch):
    keys = keys_of(issuer, waiters_max=2)
    settled(keys)
    issuer.time += APART_SECONDS
    issuer.may_answer.clear()
    moment_has_passed, moments = threading.Event(), []
    monkeypatch.setattr(
        "api.issuer_keys.wait", lambda _, timeout: (moments.append(timeout), moment_has_passed.wait(DEADLINE))
    )
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(outcome, keys, "two") for _ in range(2)]
        wait_until(lambda: len(moments) == 2)
        assert outcome(keys, "two") is Unavailable
        assert keys.find("one") == ONE
        assert not any(future.done() for future in waiting)
        moment_has_passed.set()
        assert {future.result(DEADLINE) for future in waiting} == {Unavailable}
    assert moments == [WAIT_SECONDS, WAIT_SECONDS]
    assert keys._may_wait._value == 2
    assert issuer.asked == 2


def test_who_comes_later_does_not_wait_for_it_at_all_and_no_second_refresh_begins(issuer, monkeypatch):
    keys = keys_of(issuer)
    settled(keys)
    issuer.time += APART_SECONDS
    issuer.may_answer.clear()
    keys._refresh()
    monkeypatch.setattr("api.issuer_keys.wait", lambda *_, **__: pytest.fail("somebody waits"))
    for later in (WAIT_SECONDS, APART_SECONDS, TRUSTED_SECONDS):
        issuer.time += later
        assert outcome(keys, "two") is Unavailable
    wait_until(lambda: issuer.asked == 2)


@pytest.mark.parametrize("error", [OSError("x"), ValueError("x"), RecursionError("x"), MemoryError("x"), KeyError("x")])
def test_whatever_goes_wrong_is_logged_and_tried_again(issuer, logged, error):
    issuer.error = error
    keys = keys_of(issuer)
    assert outcome(keys, "one") is Unavailable
    assert [entry["event"] for entry in logged] == ["signing keys not refreshed"]
    assert logged[0]["error"] == repr(error)
    issuer.time += APART_SECONDS
    issuer.error = None
    assert keys.find("one") == ONE


def test_a_process_without_threads_to_spare_goes_on_with_the_keys_that_it_has(issuer, monkeypatch):
    keys = keys_of(issuer)
    settled(keys)
    issuer.time += FRESH_SECONDS
    with monkeypatch.context() as patch:
        patch.setattr("api.issuer_keys.threading.Thread.start", raising(RuntimeError("can't start new thread")))
        assert keys.find("one") == ONE
        assert outcome(keys, "two") is Unavailable
    issuer.time += APART_SECONDS
    assert outcome(keys, "two") is KeyUnknown


def raising(error: Exception) -> Callable[..., None]:
    def start(*_: object) -> None:
        raise error

    return start


@pytest.mark.parametrize(
    ("names", "kid", "found"),
    [
        (["one"], None, True),
        ([None], None, True),
        ([None], "one", False),
        (["one", "two"], None, False),
        (["one", None], None, False),
        (["one", None], "one", True),
        (["one", "one"], "one", False),
        (["one"], "", False),
        (["one"], "ONE", False),
        (["one"], "../one", False),
    ],
)
def test_only_a_key_that_leaves_no_choice_is_taken(issuer, names, kid, found):
    issuer.keys = [NamedKey(name, key) for name, key in zip(names, [ONE, TWO], strict=False)]
    keys = keys_of(issuer)
    assert outcome(keys, kid) == (ONE if found else KeyUnknown)


def test_an_error_seen_by_many_does_not_grow(issuer):
    """An exception that is raised again and again keeps the frames of all who raised it, with all that they hold."""
    issuer.error = OSError("down")
    keys = keys_of(issuer)
    settled(keys)
    frames = []
    for _ in range(3):
        outcome(keys, "one")
        frames.append(length(issuer.error))
    assert frames[0] == frames[-1] > 0


def length(error: BaseException) -> int:
    frames, traceback = 0, error.__traceback__
    while traceback:
        frames, traceback = frames + 1, traceback.tb_next
    return frames
