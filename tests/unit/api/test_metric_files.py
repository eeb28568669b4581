"""The places of the processes, and the directories that are left behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from api.metric_files import make_directory, registry_of

COUNT = """
import sys
from api.metric_files import DIRECTORY, keep_counts_in
import os
os.environ[DIRECTORY] = sys.argv[1]
keep_counts_in(sys.argv[1])
from api.metrics import UNEXPECTED_ERRORS
UNEXPECTED_ERRORS.inc(int(sys.argv[2]))
print("counted", flush=True)
sys.stdin.read()
"""


def counting(directory: str, amount: int) -> subprocess.Popen[str]:
    """A process that has counted, and lives on."""
    command = [sys.executable, "-c", COUNT, directory, str(amount)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "counted\n"
    return process


def total(directory: str) -> float | None:
    return registry_of(directory).get_sample_value("order_processor_unexpected_errors_total")


def test_processes_are_added_up_and_the_next_one_goes_on_where_a_killed_one_stopped(tmp_path):
    directory = str(tmp_path)
    first, second = counting(directory, 3), counting(directory, 5)
    assert total(directory) == 8
    first.kill()
    first.wait()
    assert total(directory) == 8
    third = counting(directory, 7)
    assert total(directory) == 15
    assert len(list(tmp_path.glob("counter_*.db"))) == 2
    for process in (second, third):
        process.kill()
        process.wait()
    for process in (first, second, third):
        process.communicate()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_directories_of_apis_that_are_gone_are_removed_and_no_others(temporary):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = temporary / f"order-processor-metrics-{gone.pid}-a"
    before_us = temporary / f"order-processor-metrics-{os.getpid()}-b"
    alive = temporary / f"order-processor-metrics-{os.getppid()}-c"
    strange = temporary / "order-processor-metrics-notes"
    for directory in (left, before_us, alive, strange):
        directory.mkdir()
        (directory / "counter_0.db").touch()
    link = temporary / f"order-processor-metrics-{gone.pid}-link"
    link.symlink_to(strange)

    made = Path(make_directory())

    assert sorted(temporary.iterdir()) == sorted([made, alive, strange, link])
    assert (strange / "counter_0.db").exists()
    assert made.stat().st_mode & 0o077 == 0
    assert list(made.iterdir()) == []
