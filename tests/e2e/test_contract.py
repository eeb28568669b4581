"""The served document and the running system agree: a short `make fuzz`."""

from tests.contract.__main__ import fuzz
from tests.local_system import LocalSystem


def test_every_answer_to_made_up_requests_is_as_documented(system: LocalSystem) -> None:
    assert fuzz(system, examples=3, seed="1").returncode == 0
