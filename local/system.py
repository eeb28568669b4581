"""The system that runs in a DATA_DIR, written down for `make token`, `demo`, `verify` and `orders` to find."""

import json
import os
from dataclasses import asdict, dataclass

from local.data_dir import DataDir, write_private
from local.errors import NoSystem
from local.settings import LocalSettings

MONGODB = "mongodb"
REDIS_BROKER = "redis-broker"
REDIS_CACHE = "redis-cache"


@dataclass(frozen=True, slots=True)
class System:
    """Secrets are in it, and given URLs may hold passwords: for private files and environments only."""

    pid: int
    api_port: int
    flower_port: int
    metrics_ports: dict[str, int]
    """By the name of the part."""
    own_ports: dict[str, int]
    """Of the servers that are started for it; one that was given by a URL is missing."""
    mongo_url: str
    redis_broker_url: str
    redis_cache_url: str
    jwt_secret: str
    flower_password: str

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"


def write_down(system: System, data_dir: DataDir) -> None:
    write_private(data_dir.system, json.dumps(asdict(system), indent=2) + "\n")


def last_system(data_dir: DataDir) -> System | None:
    """The one that runs or ran last; None when there was none, or an older release wrote it."""
    try:
        return System(**json.loads(data_dir.system.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running_system(settings: LocalSettings) -> System:
    """The system that runs in DATA_DIR now; raises `NoSystem`."""
    data_dir = DataDir(settings.data_dir)
    system = last_system(data_dir) if data_dir.in_use() else None
    if system is None:
        raise NoSystem(f"no system runs in {settings.data_dir} (DATA_DIR): start it with `make run`")
    refuse_other_port(system, settings)
    return system


def refuse_other_port(system: System, settings: LocalSettings) -> None:
    """Raises `NoSystem` when API_PORT is given and names another system than DATA_DIR."""
    if "API_PORT" in os.environ and system.api_port != settings.api_port:
        raise NoSystem(
            f"the system in {settings.data_dir} listens on port {system.api_port}, "
            f"not on {settings.api_port} (API_PORT)"
        )
