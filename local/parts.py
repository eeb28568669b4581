"""The table of the parts of a local system: how each is started and how long it may take to stop."""

import sys
from dataclasses import dataclass
from pathlib import Path

from local.binaries import find_mongod, find_redis_server
from local.data_dir import DataDir
from local.server_commands import mongod_command, redis_command
from local.system import System

_ALONE = ("--without-mingle", "--without-gossip")
"""There are no other workers to ask for their news, which would cost a second of every start."""

_FLOWER = (
    "--max_tasks=10000",
    "--max_workers=500",
    "--tasks_columns=name,uuid,state,args,result,received,runtime,worker",
)
"""As in docker-compose.yml: no more than fits in memory, and what became of the orders (docs/decisions, 0027)."""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    command: list[str]
    stop_seconds: int
    """Before SIGKILL. All parts of a group stop at once, servers after the rest: within 15 s in all."""
    metrics_port: int = 0
    needs_mongodb: bool = False
    """It refuses to start without it. The others need not wait."""


def servers_of(system: System, data_dir: DataDir) -> list[Part]:
    """Those that were not given by a URL; raises `ServerNotFound`."""
    return [_server(name, port, data_dir.made(name)) for name, port in system.own_ports.items()]


def _server(name: str, port: int, directory: Path) -> Part:
    match name:
        case "mongodb":
            return Part(name, mongod_command(find_mongod(), directory, port), stop_seconds=5)
        case "redis-broker":
            return Part(name, redis_command(find_redis_server(), directory, port, "broker"), stop_seconds=3)
        case _:
            return Part(name, redis_command(find_redis_server(), directory, port, "cache"), stop_seconds=3)


def programs_of(system: System) -> list[Part]:
    metrics = system.metrics_ports
    return [
        Part("api", [sys.executable, "-m", "api"], 6, metrics["api"], needs_mongodb=True),
        Part("worker", _celery("worker", "-n", "worker@%h", *_ALONE), 6, metrics["worker"], needs_mongodb=True),
        Part("beat", _celery("beat"), 3, metrics["beat"]),
        Part("flower", _celery("flower", "--address=127.0.0.1", f"--port={system.flower_port}", *_FLOWER), 3),
    ]


_OF_ANOTHER_ISSUER = [
    name + suffix
    for name in ("JWT_PUBLIC_KEY", "JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE")
    for suffix in ("", "_FILE")
]


def environment_of(system: System) -> dict[str, str]:
    """What the parts inherit: secrets travel this way, never in a command line or a configuration file."""
    return {
        "API_HOST": "127.0.0.1",
        "API_PORT": str(system.api_port),
        "MONGO_URL": system.mongo_url,
        "REDIS_BROKER_URL": system.redis_broker_url,
        "REDIS_CACHE_URL": system.redis_cache_url,
        "JWT_SECRET": system.jwt_secret,
        # `make token` signs with the secret: what this shell may say of another issuer is not for this system.
        "JWT_ALGORITHM": "HS256",
        **dict.fromkeys(_OF_ANOTHER_ISSUER, ""),
        # each part has its port from supervisor, on loopback whatever this shell says
        "METRICS_HOST": "127.0.0.1",
        "METRICS_PORT": "0",
        "FLOWER_BASIC_AUTH": f"admin:{system.flower_password}",
        "PYTHONUNBUFFERED": "1",
    }


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "worker", *arguments]
