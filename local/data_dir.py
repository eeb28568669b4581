"""DATA_DIR: what lies where in it, the lock that lets one system at a time use it, the secrets kept in it."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import AlreadyRunning, DataDirUnusable


class DataDir:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.system = path / "system.json"
        self.supervisor_config = path / "supervisord.conf"
        self._lock = path / "lock"

    def make(self) -> None:
        """Raises `DataDirUnusable`."""
        try:
            # Nobody else on the machine may read the orders and secrets in it.
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise DataDirUnusable(self.path, error) from error

    def made(self, name: str) -> Path:
        """The directory of one server's data."""
        directory = self.path / name
        directory.mkdir(exist_ok=True)
        return directory

    def log_of(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Raises `AlreadyRunning`. A child that gets the descriptor holds the lock as long as it lives."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(descriptor, attempts=5):
                raise AlreadyRunning(self.path, self._lock.read_text().strip())
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield descriptor
        finally:
            os.close(descriptor)

    def in_use(self) -> bool:
        """Whether a system runs here now, also when its files were left behind by one that was killed."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _lock(descriptor, attempts=1)
        finally:
            os.close(descriptor)

    def kept_secret(self, name: str, make: Callable[[], str]) -> str:
        """The secret of that name, made and written down (0600) the first time."""
        file = self.path / name
        if not file.exists() or not file.read_text().strip():
            write_private(file, make() + "\n")
        return file.read_text().strip()


def write_private(file: Path, text: str) -> None:
    """All or nothing, and never readable by others, not even for a moment."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    draft.rename(file)


def _lock(descriptor: int, attempts: int) -> bool:
    # More than one attempt: `in_use` of another process takes the lock for a moment.
    for attempt in range(attempts):
        if attempt:
            time.sleep(0.05)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False
