"""Faults inside the processes of a test, staged from outside: Python runs this file at the start of each of them.

The folder is put on PYTHONPATH by `tests/staged.py`, which says what shall happen. The product knows nothing of it.
"""

import datetime
import functools
import importlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def stage(fault: dict[str, Any]) -> None:
    """Wrap the function that the fault names, before anyone imports it by name."""
    module_name, _, path = fault["function"].partition(":")
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module_name))
    setattr(owner, name, wrapped(getattr(owner, name), fault))


def wrapped(function: Callable[..., Any], fault: dict[str, Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def faulty(*args: Any, **kwargs: Any) -> Any:
        if fault["when"] == "before":
            happen(fault)
        result = function(*args, **kwargs)
        if fault["when"] == "after":
            happen(fault)
        return result

    return faulty


def happen(fault: dict[str, Any]) -> None:
    """Once, whichever process comes first: the one that is started again goes on."""
    mark = Path(fault["mark"])
    with happening:
        try:
            with mark.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return
    if fault["what"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault["what"] == "fail":
        raise ConnectionError("staged")
    else:
        while not mark.with_suffix(".released").exists():
            real_sleep(0.01)


def shift_clocks(seconds_file: Path) -> None:
    """All clocks that tell the date are as many seconds wrong as the file says now; those that measure are right."""
    real_time, real_datetime = time.time, datetime.datetime

    def shift() -> float:
        return float(seconds_file.read_text() or 0)

    class Looks(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real_datetime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, real_datetime)

    class ShiftedDatetime(real_datetime, metaclass=Looks):
        """Makes real ones, so that nobody meets a type that it does not know."""

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return real_datetime(*args, **kwargs)

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return real_datetime.now(tz) + datetime.timedelta(seconds=shift())

        @classmethod
        def utcnow(cls) -> Any:
            return real_datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=shift())

    time.time = lambda: real_time() + shift()
    datetime.datetime = ShiftedDatetime  # type: ignore[misc]
    shift_ids(lambda: real_time() + shift())


def shift_ids(now: Callable[[], float]) -> None:
    """UUIDs of version 7 begin with the time, which their library asks of the system itself."""
    import uuid_utils

    real_uuid7 = uuid_utils.uuid7

    def uuid7() -> Any:
        return real_uuid7(nanoseconds=int(now() * 1e9))

    uuid_utils.uuid7 = uuid7


happening = threading.Lock()
real_sleep = time.sleep
if clock := os.environ.get("STAGED_CLOCK"):
    shift_clocks(Path(clock))
for each in json.loads(os.environ.get("STAGED_FAULTS", "[]")):
    stage(each)
