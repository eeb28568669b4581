"""What a process keeps of the cache, on a fake Redis and a standing clock: two caches are two processes."""

from collections.abc import Callable
from threading import Barrier, Thread, get_ident
from time import monotonic, sleep

import fakeredis
import pytest

from shared.cache import LeaseCache
from shared.cache_scripts import LOG_LENGTH
from shared.domain.errors import Unavailable
from shared.local_copies import COPIES_MAX, GOOD_SECONDS, WAIT_SECONDS, Copy, Entry, LocalCopies, News
from tests.standing_clock import StandingClock, standing_clock

OLD, NEW = Entry("v1", b'{"stock":1}'), Entry("v2", b'{"stock":0}')


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> StandingClock:
    return standing_clock(monkeypatch)


@pytest.fixture
def process(redis_server: fakeredis.FakeServer) -> Callable[[], LeaseCache]:
    """No machine is so slow that its readers lose patience."""
    return lambda: LeaseCache(
        fakeredis.FakeRedis(server=redis_server), prefix="product", ttl_seconds=30, budget_seconds=30
    )


@pytest.fixture
def writer(process) -> LeaseCache:
    return process()


@pytest.fixture
def reader(process) -> LeaseCache:
    """It has copies of `a` and `b`, as they were."""
    reader = process()
    for key in "ab":
        reader.get_or_load(key, lambda _: OLD)
        reader.get_or_load(key, never)
    return reader


@pytest.fixture
def questions(reader, monkeypatch) -> list[str]:
    """The scripts that the reader has Redis run."""
    asked: list[str] = []
    for name in ("_renew", "_read_or_lease"):
        script = getattr(reader, name)

        def ask(*, keys, args, name=name, script=script):
            asked.append(name)
            return script(keys=keys, args=args)

        monkeypatch.setattr(reader, name, ask)
    return asked


def never(_: float) -> Entry:
    raise AssertionError("must come from the cache")


def change(cache: LeaseCache, *keys: str) -> None:
    with cache.changing() as warn:
        warn(keys)()


def test_nothing_is_asked_while_the_copy_is_good(reader, questions, clock):
    clock.seconds += GOOD_SECONDS * 0.99
    assert reader.get_or_load("a", never) == (OLD, True)
    assert questions == []


def test_then_one_question_is_asked_which_makes_all_copies_good_again(reader, questions, clock):
    clock.seconds += GOOD_SECONDS
    assert [reader.get_or_load(key, never) for key in "abab"] == [(OLD, True)] * 4
    assert questions == ["_renew"]


def test_when_a_writer_may_commit_nobody_shows_the_copy_any_more(reader, writer):
    with writer.changing() as warn:
        close = warn(["a"])
        assert reader.get_or_load("a", never) == (OLD, True), "what is not committed yet"
        close()
        with pytest.raises(Unavailable):  # it waits for the writer
            reader.get_or_load("a", never)
    assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert reader.get_or_load("b", never) == (OLD, True)


def test_what_a_writer_has_warned_of_is_still_read_but_not_kept(reader, writer, questions, clock):
    with writer.changing() as warn:
        close = warn(["a"])
        clock.seconds += GOOD_SECONDS
        for _ in range(3):
            assert reader.get_or_load("a", never) == (OLD, True)
            clock.seconds += GOOD_SECONDS / 10
        assert questions == ["_renew"] + 3 * ["_read_or_lease"]
        close()
        with pytest.raises(Unavailable):
            reader.get_or_load("a", never)


def test_a_warning_that_was_lost_is_made_up_for_when_it_is_closed(reader, writer, clock):
    with writer.changing() as warn:
        close = warn(["a"])
        clock.seconds += WAIT_SECONDS
        change(writer, "a")
        for _ in range(2):
            reader.get_or_load("a", lambda _: OLD)
        clock.sleeps.clear()
        close()
        assert clock.sleeps[-1] == WAIT_SECONDS
        with pytest.raises(Unavailable):
            reader.get_or_load("a", never)


def test_without_redis_too(reader, writer, redis_server):
    redis_server.connected = False
    with writer.changing() as warn:
        warn(["a"])()
        assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)
        redis_server.connected = True


def test_the_writer_waits_longer_than_a_clock_can_be_wrong():
    assert WAIT_SECONDS >= 1.2 * GOOD_SECONDS


def test_what_of_the_waiting_has_passed_meanwhile_is_not_waited_for(writer, clock):
    with writer.changing() as warn:
        close = warn(["a"])
        clock.seconds += WAIT_SECONDS / 2
        close()
        close = warn(["a"])
        clock.seconds += WAIT_SECONDS
        close()
    assert clock.sleeps == pytest.approx([WAIT_SECONDS / 2, 0])


def test_what_was_filled_anew_between_closing_and_commit_is_waited_for_afterwards(reader, writer, redis, clock):
    with writer.changing() as warn:
        warn(["a"])()
        redis.flushall()
        reader.get_or_load("a", lambda _: OLD)
        reader.get_or_load("a", never)
        clock.sleeps.clear()
    assert clock.sleeps == pytest.approx([WAIT_SECONDS])
    assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)


def test_what_stayed_closed_is_not_waited_for_again(writer, clock):
    change(writer, "a", "b")
    assert clock.sleeps == pytest.approx([WAIT_SECONDS])


def test_an_emptied_redis_makes_every_copy_forgotten(reader, writer, redis, clock):
    redis.flushall()
    change(writer, "b")
    clock.seconds += GOOD_SECONDS
    assert [reader.get_or_load(key, lambda _: NEW) for key in "ab"] == [(NEW, False)] * 2


def test_a_log_that_was_begun_anew_at_the_same_place_is_known_as_another(reader, redis, clock):
    [(place, _)] = redis.xrange("product-changes")
    redis.delete("product-changes")
    redis.xadd("product-changes", {"by": "another", "closed": ""}, id=place)
    redis.delete("product:a")
    clock.seconds += GOOD_SECONDS
    assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)


@pytest.mark.parametrize("closings", [LOG_LENGTH - 1, LOG_LENGTH, 3 * LOG_LENGTH])
def test_who_is_too_far_behind_to_know_what_was_closed_forgets_all(reader, writer, questions, closings):
    change(writer, "a")
    for _ in range(closings - 1):
        change(writer, "other")
    assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)
    assert reader.get_or_load("b", never) == (OLD, True)
    knows = closings < LOG_LENGTH
    assert questions == ["_renew", "_read_or_lease"] if knows else ["_renew", "_read_or_lease", "_read_or_lease"]


def test_the_log_stays_short(writer, redis):
    for _ in range(2 * LOG_LENGTH):
        change(writer, "a")
    assert redis.xlen("product-changes") == LOG_LENGTH


def test_a_copy_lives_no_longer_than_the_entry_that_it_is_of(reader, redis, clock):
    redis.delete("product:a")
    for _ in range(30):
        clock.seconds += 1
        reader.get_or_load("b", lambda _: OLD)
    assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)


def test_a_process_that_owes_redis_a_change_shows_no_copies(reader, redis_server):
    redis_server.connected = False
    with reader.changing() as warn:
        warn(["b"])
    assert reader.get_or_load("a", lambda _: NEW) == (NEW, False)
    redis_server.connected = True


@pytest.mark.parametrize(("key", "question"), [("a", "_renew"), ("c", "_read_or_lease")])
def test_one_question_serves_all_who_wait_for_its_answer(reader, writer, questions, clock, monkeypatch, key, question):
    writer.get_or_load("c", lambda _: OLD)
    clock.seconds += GOOD_SECONDS
    clock.asked_by.clear()
    script = getattr(reader, question)

    def answer_when_all_have_come(**call):
        deadline = monotonic() + 10
        while len(clock.asked_by - {get_ident()}) < READERS - 1 and monotonic() < deadline:
            sleep(0.001)
        return script(**call)

    monkeypatch.setattr(reader, question, answer_when_all_have_come)
    assert read_at_once(reader, key) == [(OLD, True)] * READERS
    assert questions == [question]


def test_those_who_waited_for_a_redis_that_did_not_answer_do_not_ask_it_again(reader, clock, monkeypatch, redis_server):
    redis_server.connected = False
    clock.seconds += GOOD_SECONDS
    clock.asked_by.clear()
    asked = []
    renew = reader._renew

    def fail_when_all_have_come(**call):
        asked.append(1)
        deadline = monotonic() + 10
        while len(clock.asked_by - {get_ident()}) < READERS - 1 and monotonic() < deadline:
            sleep(0.001)
        return renew(**call)

    monkeypatch.setattr(reader, "_renew", fail_when_all_have_come)
    assert read_at_once(reader, "a") == [(NEW, False)] * READERS
    assert len(asked) == 1


READERS = 16


def read_at_once(reader: LeaseCache, key: str) -> list[tuple[Entry, bool]]:
    everyone_is_here, answers = Barrier(READERS), []

    def read() -> None:
        everyone_is_here.wait(10)
        answers.append(reader.get_or_load(key, lambda _: NEW))

    threads = [Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return answers


def test_what_was_read_before_something_else_was_learned_is_not_kept():
    copies, copy = LocalCopies(), Copy(OLD, 1_000, expires_at=2_000)
    early, late = copies.question(), copies.question()
    copies.learn(late, News(b"2 x", ["a"]))
    copies.learn(early, News(b"1 x", []), ("a", copy))
    assert copies.get("a", since=0) is None
    assert copies.question().position == b"2 x"


def test_the_date_is_that_of_the_question_and_not_of_the_answer(clock):
    copies, copy = LocalCopies(), Copy(OLD, 1_000, expires_at=2_000)
    question = copies.question()
    clock.seconds += GOOD_SECONDS
    copies.learn(question, News(b"1 x", None), ("a", copy))
    assert copies.get("a", since=question.asked_at) is None
    assert copies.get("a", since=question.asked_at - 0.001) == OLD, "for whom it was asked"


def test_a_copy_of_what_is_about_to_change_is_for_those_who_had_come_when_it_was_asked_for(clock):
    copies, came = LocalCopies(), clock.seconds
    question = copies.question()
    copies.learn(question, News(b"1 x", []), ("a", Copy(OLD, question.asked_at, expires_at=2_000, lasting=False)))
    assert copies.get("a", since=came) == OLD
    assert copies.get("a", since=clock.seconds) is None


def test_the_number_of_copies_is_bounded_and_the_oldest_go():
    copies = LocalCopies()
    for number in range(COPIES_MAX + 2):
        copies.learn(copies.question(), News(b"1 x", []), (f"a{number}", Copy(OLD, 1_000, expires_at=2_000)))
    kept = [number for number in range(COPIES_MAX + 2) if copies.keeps(f"a{number}")]
    assert kept == list(range(2, COPIES_MAX + 2))


def test_a_writer_that_met_an_outage_warns_and_closes_again(writer, redis_server, redis, clock):
    redis_server.connected = False
    change(writer, "x")
    redis_server.connected = True
    assert writer.wait_until_settled(5)
    for _ in range(3):
        clock.seconds += 0.1
        with writer.changing() as warn:
            close = warn(["a"])
            assert redis.hexists("product:a", "writer")
            close()
            assert redis.hexists("product:a", "lease")


def test_after_an_outage_a_copy_that_is_renewed_is_shown_again_from_then_on(reader, redis_server, clock):
    clock.seconds += 1
    redis_server.connected = False
    assert reader.get_or_load("a", lambda _: OLD) == (OLD, False)
    redis_server.connected = True
    clock.seconds += 1.1
    for _ in range(20):
        assert reader.get_or_load("a", never) == (OLD, True)
        clock.seconds += 0.1


def test_who_waits_for_a_turn_is_told_in_time_that_redis_is_slow(redis_server):
    impatient = LeaseCache(
        fakeredis.FakeRedis(server=redis_server), prefix="product", ttl_seconds=30, budget_seconds=0.01
    )
    for turn in impatient._turns:
        turn.acquire()
    with pytest.raises(Unavailable):
        impatient.get_or_load("a", never)
