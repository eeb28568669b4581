"""MongoDB and Redis as child processes that tests start, kill and start again on the same port and data."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.binaries import find_mongod, find_redis_server
from local.errors import ServerFailed, ServerNotFound
from local.ports import free_port
from local.processes import die_with_parent
from local.replica_set import initiate_replica_set, mongo_url
from local.server_commands import RedisRole, mongod_command, redis_command, redis_url
from local.server_ready import wait_for_redis

__all__ = [
    "RedisRole",
    "Server",
    "ServerFailed",
    "ServerNotFound",
    "find_mongod",
    "find_redis_server",
    "free_port",
    "initiate_replica_set",
    "mongod_command",
    "redis_command",
    "running_mongod",
    "running_redis",
]

_START_TIMEOUT = 30.0


class Server:
    """One server process which keeps its port and its data over kill() and start()."""

    def __init__(self, command: list[str], data_dir: Path, port: int, url: str, wait_ready: Callable[[], None]) -> None:
        self.command = command
        self.data_dir = data_dir
        self.port = port
        self.url = url
        self.log = data_dir / "server.log"
        self._wait_ready = wait_ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process

    def start(self) -> None:
        """Returns when the server is ready to serve; raises ServerFailed when it ends instead."""
        self.spawn()
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    def spawn(self) -> None:
        """Without waiting until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),
                # Ctrl-C is for whoever started it, who stops it after all that needs it.
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers, as with a machine that hangs."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """For the length of a block; it goes on also when the block fails."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def ensure_alive(self) -> None:
        if self.process.poll() is not None:
            status = self.process.returncode
            raise ServerFailed(f"{self.command[0]} ended with status {status}: {self._log_tail()}")

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


def mongod_server(data_dir: Path, port: int | None = None) -> Server:
    port = port or free_port()

    def wait_ready() -> None:
        initiate_replica_set(port, _START_TIMEOUT, on_wait=server.ensure_alive)

    command = mongod_command(find_mongod(), data_dir, port)
    server = Server(command, data_dir, port, mongo_url(port), wait_ready)
    return server


def redis_server(data_dir: Path, port: int | None = None, role: RedisRole = "broker") -> Server:
    port = port or free_port()

    def wait_ready() -> None:
        wait_for_redis(url, _START_TIMEOUT, on_wait=server.ensure_alive)

    url = redis_url(port)
    command = redis_command(find_redis_server(), data_dir, port, role)
    server = Server(command, data_dir, port, url, wait_ready)
    return server


@contextmanager
def running_mongod(data_dir: Path, port: int | None = None) -> Iterator[Server]:
    """A primary with its data in `data_dir`, stopped at the end whatever was done to it meanwhile."""
    yield from _running(mongod_server(data_dir, port))


@contextmanager
def running_redis(data_dir: Path, port: int | None = None, *, role: RedisRole = "broker") -> Iterator[Server]:
    yield from _running(redis_server(data_dir, port, role))


def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.resume()
        server.stop()
