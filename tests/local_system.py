"""`make run` as a child of a test: with a DATA_DIR and ports of its own, and everything it says kept in a file."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
from pymongo.database import Database

from local.ports import free_port
from local.processes import die_with_parent
from shared.store.connection import Document, connect
from tests.stack import PATIENT, wait_until

PROJECT = Path(__file__).parent.parent
START_LIMIT = 60.0
STOP_LIMIT = 15.0
"""What `make run` promises."""

_NOT_INHERITED = ("MONGO_URL", "REDIS_BROKER_URL", "REDIS_CACHE_URL", "JWT_SECRET", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")


class LocalSystem:
    def __init__(self, directory: Path) -> None:
        self.data_dir = directory / "data"
        self.api_port = free_port()
        self.flower_port = free_port()
        self.url = f"http://127.0.0.1:{self.api_port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._output = directory / "output"

    def start(self) -> None:
        """Returns when it says that it is ready."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command("run"),
                env=self._environment(),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        wait_until(lambda: "\nReady after" in self.output, "make run to be ready", self.process, limit=START_LIMIT)
        # What follows is printed at once.
        wait_until(lambda: "Ctrl-C stops everything" in self.output, "all of the greeting", self.process, limit=5)

    def stop(self, ask: Callable[[], None] | None = None) -> None:
        """By SIGTERM to make alone, unless told otherwise. Fails when it takes too long or leaves something behind."""
        if self._process is None or self._process.poll() is not None:
            return
        parts = self.parts()
        (ask or self._process.terminate)()
        wait_until(lambda: not any(map(_lives, parts)), "every process to end", limit=STOP_LIMIT)
        self._process.wait(STOP_LIMIT)

    def press_ctrl_c(self) -> None:
        """The terminal sends it to everything in the foreground: to make and to what make runs."""
        os.killpg(self.process.pid, signal.SIGINT)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def make(self, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self._run(self._command(target), variables)

    def module(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """What `make` runs, without make in between, which turns every failure into exit status 2."""
        return self._run([sys.executable, "-m", name], variables)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """As a person's shell would run it, in the project's folder."""
        return self._run(["bash", "-euo", "pipefail", "-c", script], {"MAKEFLAGS": f"VENV={sys.prefix}"})

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def printed_curl(self) -> str:
        (line,) = re.findall(r"^curl .*$", self.output, re.MULTILINE)
        return str(line)

    @property
    def printed_token(self) -> str:
        (token,) = re.findall(r"^[\w-]+\.[\w-]+\.[\w-]+$", self.output, re.MULTILINE)
        return str(token)

    def client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return bool(answer.json()["status"] == "ready")

    def parts(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, *words: str) -> psutil.Process | None:
        """The first descendant, from the top, whose command line has all the words."""
        return next((part for part in self.parts() if _command_has(part, words)), None)

    def database(self) -> Database[Document]:
        state: dict[str, Any] = json.loads((self.data_dir / "system.json").read_text())
        return connect(state["mongo_url"], timeout_milliseconds=10_000)

    def _command(self, target: str) -> list[str]:
        # The environment that runs the tests is good enough for the system.
        return ["make", "-s", f"VENV={sys.prefix}", target]

    def _run(self, command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self._environment() | variables,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        ports = {"API_PORT": str(self.api_port), "FLOWER_PORT": str(self.flower_port)}
        return inherited | ports | {"DATA_DIR": str(self.data_dir), "API_MONGO_TIMEOUT_SECONDS": PATIENT}


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _command_has(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return all(word in command for word in words)
