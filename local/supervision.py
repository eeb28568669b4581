"""supervisord as a child: started, asked about its parts over a unix socket, and stopped with all of them.

supervisor is what restarts a part that dies; nothing here does.
"""

import http.client
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.data_dir import DataDir
from local.parts import Part
from local.processes import die_with_parent, end_all_children
from local.supervisor_config import supervisor_config

_SOCKET_PATH_MAX = 90
"""Of 108 bytes that the kernel allows; supervisor adds its pid while it makes the socket."""

_STOP_SECONDS = 12.5
"""All groups one after the other; with what comes before and after, a stop stays within 15 s."""


@dataclass(frozen=True, slots=True)
class PartState:
    name: str
    started_at: int
    """Seconds since 1970 at its last start; 0 before the first."""


class Supervisor:
    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None
        self._socket = data_dir.path / "supervisor.sock"
        if len(bytes(self._socket)) > _SOCKET_PATH_MAX:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="order-processor-"))
            self._socket = self._socket_dir / "supervisor.sock"

    def start(self, servers: list[Part], programs: list[Part], lock: int) -> None:
        """Starts what needs no MongoDB. The lock lives on in supervisord, in case this process is killed before it."""
        config = supervisor_config(self._data_dir, self._socket, servers, programs)
        self._data_dir.supervisor_config.write_text(config)
        command = [
            sys.executable,
            "-m",
            "supervisor.supervisord",
            "-n",
            "-c",
            str(self._data_dir.supervisor_config),
        ]
        with self._data_dir.log_of("supervisord-output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(lock,),
                # Out of the terminal's reach: Ctrl-C is for the runner, which stops everything in order.
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start_group(self, name: str, waiting_for: Callable[[str], None]) -> None:
        """Starts those of the group that don't run yet."""
        while self.states() is None:
            waiting_for("supervisord")
            time.sleep(0.05)
        self._call().startProcessGroup(name, False)

    def states(self) -> list[PartState] | None:
        """None when supervisord does not answer (yet)."""
        try:
            answer: Any = self._call().getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None
        return [PartState(info["name"], info["start"]) for info in answer]

    def stop(self) -> None:
        """Returns when no process is left, after 15 s at the latest."""
        if self._process is not None and self.is_alive():
            self._process.terminate()
            self._wait(_STOP_SECONDS)
        # Also what a killed supervisord left behind.
        end_all_children(grace=1.5)
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _call(self) -> Any:
        server = xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(self._socket))
        return server.supervisor


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, _host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(self._path))
