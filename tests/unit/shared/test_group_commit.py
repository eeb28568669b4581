"""Group commit, staged: the commit function waits where the test says, so that a batch forms on purpose."""

from collections.abc import Iterator
from threading import Event, Semaphore

import pytest

from shared.domain.errors import Unavailable
from shared.group_commit import GroupCommit

SECONDS = 5


class Commit:
    """Keeps the batches that it got. While `go` is not set it waits, and items can gather behind it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = Semaphore(0)
        self.go = Event()
        self.go.set()
        self.refuses: set[str] = set()
        self.outage = False

    def __call__(self, items: list[str]) -> list[str | Exception]:
        self.batches.append(items)
        self.begun.release()
        assert self.go.wait(SECONDS)
        if self.outage:
            raise Unavailable("MongoDB")
        if self.refuses & set(items):
            raise ValueError(sorted(self.refuses & set(items)))
        return [f"{item} done" for item in items]

    def hold(self) -> None:
        self.go.clear()

    def wait_until_begun(self) -> None:
        assert self.begun.acquire(timeout=SECONDS)


@pytest.fixture
def commit() -> Commit:
    return Commit()


@pytest.fixture
def group(commit: Commit) -> Iterator[GroupCommit[str, str]]:
    group = GroupCommit[str, str]("tests", commit, batch_max=3)
    yield group
    commit.go.set()
    group.close(SECONDS)


def test_each_submission_gets_the_outcomes_of_its_own_items_in_order(group, commit):
    commit.hold()
    first = group.submit(["a"])
    commit.wait_until_begun()
    second, third = group.submit(["c", "b"]), group.submit(["d"])
    commit.go.set()
    assert first.outcomes(SECONDS) == ["a done"]
    assert second.outcomes(SECONDS) == ["c done", "b done"]
    assert third.outcomes(SECONDS) == ["d done"]


def test_a_single_submission_does_not_wait_for_company(group, commit):
    assert group.submit(["a"]).outcomes(SECONDS) == ["a done"]
    assert commit.batches == [["a"]]


def test_what_is_submitted_while_a_commit_runs_becomes_one_batch(group, commit):
    commit.hold()
    group.submit(["a"])
    commit.wait_until_begun()
    waiting = [group.submit([item]) for item in "bcd"]
    commit.go.set()
    for ticket in waiting:
        ticket.outcomes(SECONDS)
    assert commit.batches == [["a"], ["b", "c", "d"]]


def test_submissions_that_would_exceed_the_maximum_together_are_committed_apart(group, commit):
    commit.hold()
    group.submit(["a"])
    commit.wait_until_begun()
    waiting = [group.submit(["b", "c"]), group.submit(["d", "e"]), group.submit(["f"])]
    commit.go.set()
    for ticket in waiting:
        ticket.outcomes(SECONDS)
    assert commit.batches == [["a"], ["b", "c"], ["d", "e", "f"]]


def test_a_submission_larger_than_the_maximum_is_committed_whole_and_alone(group, commit):
    commit.hold()
    group.submit(["a"])
    commit.wait_until_begun()
    waiting = [group.submit(["b"]), group.submit(list("12345")), group.submit(["c"])]
    commit.go.set()
    for ticket in waiting:
        ticket.outcomes(SECONDS)
    assert commit.batches == [["a"], ["b"], list("12345"), ["c"]]


def test_an_outcome_that_is_an_exception_belongs_to_its_item_alone():
    refusal = ValueError("b")
    group = GroupCommit[str, str](
        "tests", lambda items: [refusal if item == "b" else item for item in items], batch_max=3
    )
    assert group.submit(["a", "b", "c"]).outcomes(SECONDS) == ["a", refusal, "c"]
    group.close(SECONDS)


def test_a_batch_that_raises_is_split_until_the_item_at_fault_stands_alone(group, commit):
    commit.refuses = {"3"}
    outcomes = group.submit(list("12345")).outcomes(SECONDS)
    assert [o for o in outcomes if not isinstance(o, Exception)] == ["1 done", "2 done", "4 done", "5 done"]
    assert outcomes[2].args == (["3"],)
    assert [batch for batch in commit.batches if len(batch) == 1 and batch[0] in commit.refuses] == [["3"]]


def test_an_outage_is_the_outcome_of_the_whole_batch_and_of_all_that_waited_behind_it(group, commit):
    commit.hold()
    commit.outage = True
    first = group.submit(["a", "b"])
    commit.wait_until_begun()
    second, third = group.submit(["c", "d", "e"]), group.submit(["f"])
    commit.go.set()
    for ticket, size in ((first, 2), (second, 3), (third, 1)):
        outcomes = ticket.outcomes(SECONDS)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * size
    assert commit.batches == [["a", "b"]]


def test_what_is_submitted_after_an_outage_is_tried_again(group, commit):
    commit.outage = True
    group.submit(["a"]).outcomes(SECONDS)
    commit.outage = False
    assert group.submit(["b"]).outcomes(SECONDS) == ["b done"]


def test_an_empty_submission_has_no_outcomes_and_commits_nothing(group, commit):
    assert group.submit([]).outcomes(SECONDS) == []
    assert group.submit(["a"]).outcomes(SECONDS) == ["a done"]
    assert commit.batches == [["a"]]


def test_a_commit_that_forgets_an_outcome_fails_its_items_and_nothing_else():
    group = GroupCommit[str, str]("tests", lambda items: [i for i in items if i != "b"], batch_max=3)
    a, b, c = group.submit(["a", "b", "c"]).outcomes(SECONDS)
    assert (a, c) == ("a", "c")
    assert isinstance(b, Exception)
    assert group.submit(["d"]).outcomes(SECONDS) == ["d"]
    group.close(SECONDS)


def test_closing_answers_what_was_taken_in(group, commit):
    commit.hold()
    first = group.submit(["a"])
    commit.wait_until_begun()
    second = group.submit(["b"])
    commit.go.set()
    group.close(SECONDS)
    assert first.outcomes(0) == ["a done"]
    assert second.outcomes(0) == ["b done"]


def test_closed_it_takes_nothing_more_in(group, commit):
    group.close(SECONDS)
    with pytest.raises(Unavailable):
        group.submit(["a"])
    assert commit.batches == []


def test_closing_waits_no_longer_than_it_is_told(group, commit):
    commit.hold()
    late = group.submit(["a"])
    commit.wait_until_begun()
    group.close(0.01)
    with pytest.raises(TimeoutError):
        late.outcomes(0)


def test_a_group_that_rests_gathers_meanwhile(commit):
    group = GroupCommit[str, str]("tests", commit, batch_max=3, rest_seconds=3600)
    assert group.submit(["a"]).outcomes(SECONDS) == ["a done"]
    waiting = [group.submit(["b"]), group.submit(["c"])]
    assert commit.batches == [["a"]]
    group.close(SECONDS)
    assert [ticket.outcomes(SECONDS) for ticket in waiting] == [["b done"], ["c done"]]
    assert commit.batches == [["a"], ["b", "c"]]


def test_who_does_not_want_to_wait_for_ever_need_not(group, commit):
    commit.hold()
    with pytest.raises(TimeoutError):
        group.submit(["a"]).outcomes(0.01)
