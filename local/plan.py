"""What the system to be started will look like: which servers are its own, on which ports, with which secrets."""

import os
import secrets

from local.data_dir import DataDir
from local.ports import the_same_or_another
from local.replica_set import mongo_url
from local.server_commands import redis_url
from local.settings import LocalSettings
from local.system import MONGODB, REDIS_BROKER, REDIS_CACHE, System, last_system

WITH_METRICS = ("api", "worker", "beat")


def plan_system(settings: LocalSettings, data_dir: DataDir) -> System:
    """Ports and secrets of the last time where possible, so that what was noted down or signed stays good."""
    last = last_system(data_dir)
    ports = _own_ports(settings, last)
    return System(
        pid=os.getpid(),
        api_port=settings.api_port,
        flower_port=settings.flower_port,
        metrics_ports=_metrics_ports(last),
        own_ports=ports,
        mongo_url=settings.mongo_url or mongo_url(ports[MONGODB]),
        redis_broker_url=settings.redis_broker_url or redis_url(ports[REDIS_BROKER]),
        redis_cache_url=settings.redis_cache_url or redis_url(ports[REDIS_CACHE]),
        jwt_secret=settings.jwt_secret or data_dir.kept_secret("jwt-secret", lambda: secrets.token_urlsafe(48)),
        flower_password=data_dir.kept_secret("flower-password", lambda: secrets.token_urlsafe(12)),
    )


def _metrics_ports(last: System | None) -> dict[str, int]:
    last_ports = last.metrics_ports if last else {}
    return {part: the_same_or_another(last_ports.get(part)) for part in WITH_METRICS}


def _own_ports(settings: LocalSettings, last: System | None) -> dict[str, int]:
    given = {
        MONGODB: settings.mongo_url,
        REDIS_BROKER: settings.redis_broker_url,
        REDIS_CACHE: settings.redis_cache_url,
    }
    last_ports = last.own_ports if last else {}
    return {name: the_same_or_another(last_ports.get(name)) for name, url in given.items() if url is None}
