"""The places of the processes, and the directories that are left behind."""

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import values

from api.metric_files import BYTES, keep_counts_in, make_directory, registry_of

COUNT = """
import sys
from api.metric_files import DIRECTORY, keep_counts_in
import os
os.environ[DIRECTORY] = sys.argv[1]
keep_counts_in(sys.argv[1])
from shared.metrics import UNEXPECTED_ERRORS
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


HOLD = """
import os, sys, tempfile
from api.metric_files import make_directory
tempfile.tempdir = sys.argv[1]
made = make_directory()
os.execv(sys.executable, [sys.executable, "-c", f"import sys; print({made!r}, flush=True); sys.stdin.read()"])
"""


@pytest.fixture
def held_by_the_living(temporary: Path) -> Iterator[Path]:
    """Made by a process that has become another program since."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(temporary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    yield Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


@pytest.fixture
def with_a_process_that_drains(temporary: Path) -> Iterator[Path]:
    """Its parent is gone, and it still counts."""
    directory = temporary / "order-processor-metrics-999999999-d"
    directory.mkdir()
    process = counting(str(directory), 1)
    yield directory
    process.kill()
    process.communicate()


def test_directories_that_nobody_holds_are_removed_and_no_others(
    temporary, held_by_the_living, with_a_process_that_drains
):
    left = temporary / f"order-processor-metrics-{os.getppid()}-a"
    strange = temporary / "order-processor-metrics-notes"
    for directory in (left, strange):
        directory.mkdir()
        (directory / "counter_0.db").touch()
    link = temporary / "order-processor-metrics-1-link"
    link.symlink_to(strange)

    made = Path(make_directory())

    assert sorted(temporary.iterdir()) == sorted([made, held_by_the_living, with_a_process_that_drains, strange, link])
    assert (strange / "counter_0.db").exists()
    assert made.stat().st_mode & 0o077 == 0
    assert list(made.iterdir()) == []


def test_one_that_another_api_removes_at_the_same_moment_is_no_matter(temporary, monkeypatch):
    monkeypatch.setattr(Path, "glob", lambda *_: iter([temporary / "order-processor-metrics-1-removed"]))
    assert Path(make_directory()).is_dir()


@pytest.mark.usefixtures("temporary")
def test_a_new_one_that_another_api_took_for_abandoned_is_made_again(monkeypatch):
    make, made = tempfile.mkdtemp, []

    def robbed(**options: str) -> str:
        made.append(make(**options))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", robbed)
    assert Path(make_directory()).is_dir()
    assert len(made) == 2


def test_files_have_all_their_blocks_before_they_are_mapped_so_that_a_full_disk_ends_nobody(tmp_path):
    process = counting(str(tmp_path), 1)
    process.kill()
    process.communicate()
    files = {file.name: file.stat() for file in tmp_path.glob("*.db")}
    assert set(files) == {"counter_0.db", "histogram_0.db"}
    for name, file in files.items():
        assert file.st_size == BYTES[name.partition("_")[0]]
        assert file.st_blocks * 512 >= file.st_size


def test_a_disk_without_room_is_an_error_that_leaves_no_file_half_made(tmp_path, monkeypatch):
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    with pytest.raises(OSError, match="No space left"):
        keep_counts_in(str(tmp_path))
    assert values.ValueClass is values.MutexValue
    assert [file.name for file in tmp_path.iterdir()] == ["place-0.lock"]
