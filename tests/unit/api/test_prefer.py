"""The Prefer header: what counts as a wait, and that all else is as if it were not there (RFC 7240, section 2)."""

import pytest

from api.prefer import wait_in


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=10"], 10),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=999999999"], 30),
        (["Wait=5"], 5),
        (["wait = 5"], 5),
        (['wait="5"'], 5),
        (["wait=5; strict"], 5),
        (["respond-async, wait=5"], 5),
        (['handling="lenient, wait=1", wait=5'], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5, wait=9"], 5),
        (["wait=x, wait=9"], None),
        (["wait=0"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=1e1"], None),
        (["wait=\u0665"], None),
        (["wait=9999999999"], None),
        (["wait="], None),
        (["wait"], None),
        (["waiting=5"], None),
        ([""], None),
        ([",,;=,"], None),
        (['"wait=5'], None),
    ],
)
def test_only_a_well_formed_wait_counts(headers, seconds):
    assert wait_in(headers) == seconds
