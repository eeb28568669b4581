"""The operators' commands as they are typed: a celery process of its own each time, on the servers of the test."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.processes import die_with_parent
from tests.stack import Stack

PROJECT = Path(__file__).parent.parent


def celery(stack: Stack, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`celery -A worker ...`"""
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "worker", *words],
        env=os.environ | stack.environment | {"LOGNAME": "olga"} | environment,
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def started(stack: Stack, *words: str) -> subprocess.Popen[str]:
    """`celery -A worker orders ...`, while it runs. Ctrl-C reaches it as at a terminal.

    Tests that a shell has put into the background are deaf to SIGINT, and so would be their children.
    """
    die = die_with_parent()

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if die:
            die()

    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "worker", "orders", *words],
        env=os.environ | stack.environment,
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )


def orders(stack: Stack, *words: str, status: int = 0, **environment: str) -> str:
    """What `celery -A worker orders ...` says to people, with the exit status that is expected, and no complaints."""
    done = celery(stack, "orders", *words, **environment)
    assert (done.returncode, done.stderr) == (status, ""), done
    return done.stdout


def orders_json(stack: Stack, *words: str, status: int = 0) -> Any:
    """The one document of `--json`."""
    return json.loads(orders(stack, *words, "--json", status=status))


def complaint(stack: Stack, *words: str, status: int = 2) -> str:
    """What is said on standard error, which is no traceback."""
    done = celery(stack, "orders", *words)
    assert done.returncode == status, done
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr


def rows(output: str) -> list[list[str]]:
    """The cells of a table, without its header; no cell of it has two spaces side by side."""
    return [[cell.strip() for cell in line.split("  ") if cell] for line in output.splitlines()[1:]]
