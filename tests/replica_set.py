"""A replica set of three real mongods on loopback, whose primary tests ask to step down, or kill."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, PyMongoError

from local.binaries import find_mongod
from local.ports import free_port
from local.replica_set import REPLICA_SET
from local.server_commands import mongod_command
from local.servers import Server
from tests.stack import wait_until

MEMBERS = 3

ELECTION_TIMEOUT_MILLISECONDS = 2_000
"""How long the others wait for a primary that is silent. The default, 10 s, makes tests long and shows nothing more."""


class ReplicaSet:
    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        self.hosts = hosts

    def url(self, database: str) -> str:
        return f"mongodb://{self.hosts}/{database}?replicaSet={REPLICA_SET}"

    def initiate(self) -> None:
        members = [{"_id": place, "host": f"127.0.0.1:{server.port}"} for place, server in enumerate(self.servers)]
        settings = {"electionTimeoutMillis": ELECTION_TIMEOUT_MILLISECONDS}
        with _client(self.servers[0]) as client:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members, "settings": settings})
        self.primary()
        self.wait_until_whole()

    def primary(self) -> Server:
        """Waits for one."""
        found: list[Server] = []

        def look() -> bool:
            found[:] = [server for server in self.servers if _state(server) == "primary"]
            return bool(found)

        wait_until(look, "a primary")
        return found[0]

    def wait_until_whole(self) -> None:
        """Until there is a primary and all others follow it."""
        states = ["primary"] + ["secondary"] * (MEMBERS - 1)
        wait_until(lambda: sorted(map(_state, self.servers)) == states, "all members")

    def step_down(self) -> Server:
        """The primary hands over, as before a restart for maintenance; returns the one that was."""
        primary = self.primary()
        # Since MongoDB 4.2 it closes no connections; before that, and when it is cut off, they break.
        with _client(primary) as client, suppress(ConnectionFailure):
            client.admin.command("replSetStepDown", 60, secondaryCatchUpPeriodSecs=10)
        return primary


@contextmanager
def running_replica_set(directory: Path) -> Iterator[ReplicaSet]:
    with ExitStack() as stack:
        servers = []
        for place in range(MEMBERS):
            server = _server(directory / f"member-{place}")
            server.start()
            # Not stopped: a member that is told to end waits for the others to take over.
            stack.callback(server.kill)
            servers.append(server)
        replica_set = ReplicaSet(servers)
        replica_set.initiate()
        yield replica_set


def _server(directory: Path) -> Server:
    port = free_port()

    def wait_ready() -> None:
        deadline = time.monotonic() + 30
        while _state(server) == "away":
            assert time.monotonic() < deadline, "mongod does not answer"
            server.ensure_alive()
            time.sleep(0.05)

    server = Server(mongod_command(find_mongod(), directory, port), directory, port, "", wait_ready)
    return server


def _state(server: Server) -> str:
    """`primary`, `secondary`, `neither`, or `away` when it does not answer."""
    try:
        with _client(server) as client:
            hello = client.admin.command("hello")
    except PyMongoError:
        return "away"
    if hello.get("isWritablePrimary"):
        return "primary"
    return "secondary" if hello.get("secondary") else "neither"


def _client(server: Server) -> MongoClient[dict[str, Any]]:
    return MongoClient("127.0.0.1", server.port, directConnection=True, timeoutMS=1_000)
