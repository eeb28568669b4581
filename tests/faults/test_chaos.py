"""The random faults in their short form, with a seed of their own; `make test-faults` is the long one."""

from pathlib import Path

from tests.faults.chaos.run import run
from tests.faults.chaos.schedule import KIND_NAMES, make_schedule

SECONDS = 30.0
GAP = 1.2
SEED = 1


def test_what_was_promised_is_kept_while_everything_dies_at_random_moments(tmp_path: Path) -> None:
    outcome = run(tmp_path, seed=SEED, seconds=SECONDS, say=print, gap=GAP)

    assert outcome.verdict.explanation() == ""
    assert outcome.faults.total() >= 10
    assert outcome.book.accepted > 100
    assert outcome.verdict.statuses.keys() <= {"confirmed", "rejected", "cancelled"}
    assert outcome.verdict.statuses.total() == outcome.book.accepted + outcome.verdict.untold


def test_a_schedule_follows_from_its_seed_alone() -> None:
    schedule = make_schedule(7, seconds=600, gap=GAP)
    assert schedule == make_schedule(7, seconds=600, gap=GAP)
    assert schedule != make_schedule(8, seconds=600, gap=GAP)


def test_no_part_is_struck_while_it_is_down() -> None:
    free_at: dict[str, float] = {}
    for fault in make_schedule(7, seconds=600, gap=GAP):
        assert fault.at >= free_at.get(fault.kind.part, 0.0)
        free_at[fault.kind.part] = fault.at + fault.seconds


def test_the_short_form_has_nearly_every_kind_of_fault() -> None:
    kinds = {fault.kind.name for fault in make_schedule(SEED, seconds=SECONDS, gap=GAP)}
    assert len(set(KIND_NAMES) - kinds) <= 2
