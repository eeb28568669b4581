"""The ground on which all contenders run: one MongoDB and two Redis, with ports that are free."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from pymongo.database import Database
from redis import Redis

from local.ports import free_port
from local.servers import Server, running_mongod, running_redis
from shared.store.connection import Document, connect

QUESTION_MILLISECONDS = 60_000
"""For a question of the bench's own, which may count all orders."""


@dataclass(frozen=True, slots=True)
class Ground:
    mongod: Server
    redis_broker: Server
    redis_cache: Server
    port: int
    flower_port: int

    @contextmanager
    def beside(self) -> Iterator["Ground"]:
        """For another system that runs at the same time: ports and Redis of its own, and the same MongoDB."""
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            yield Ground(self.mongod, *_redis_pair(stack, directory), free_port(), free_port())

    def mongo_url(self, name: str) -> str:
        """A database of the contender's own; its writes are on a majority and in the journal."""
        return f"mongodb://127.0.0.1:{self.mongod.port}/bench_{name}?replicaSet=rs0&w=majority&journal=true"

    def empty(self, name: str) -> Database[Document]:
        """Its database, with nothing in it, and nothing in Redis."""
        database = connect(self.mongo_url(name), timeout_milliseconds=QUESTION_MILLISECONDS)
        database.client.drop_database(database.name)
        for server in (self.redis_broker, self.redis_cache):
            with Redis.from_url(server.url) as client:
                client.flushall()
        return database

    def checkpoint(self) -> None:
        """All that MongoDB has in memory alone is written now, and not while something is measured."""
        database = connect(self.mongo_url("admin"), timeout_milliseconds=QUESTION_MILLISECONDS)
        database.client.admin.command("fsync")
        database.client.close()

    def servers(self) -> dict[str, list[psutil.Process]]:
        """By kind."""
        redis = [psutil.Process(server.process.pid) for server in (self.redis_broker, self.redis_cache)]
        return {"mongod": [psutil.Process(self.mongod.process.pid)], "redis": redis}


@contextmanager
def running_ground() -> Iterator[Ground]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mongod = stack.enter_context(running_mongod(directory / "mongod"))
        yield Ground(mongod, *_redis_pair(stack, directory), free_port(), free_port())


def _redis_pair(stack: ExitStack, directory: Path) -> tuple[Server, Server]:
    broker = running_redis(directory / "redis-broker", role="broker")
    cache = running_redis(directory / "redis-cache", role="cache")
    return stack.enter_context(broker), stack.enter_context(cache)
