"""How MongoDB and Redis are started on one machine: on loopback, small, and journaled as in production."""

from pathlib import Path
from typing import Literal

from local.replica_set import REPLICA_SET

RedisRole = Literal["broker", "cache"]


def mongod_command(binary: Path, data_dir: Path, port: int) -> list[str]:
    return [
        str(binary),
        *("--dbpath", str(data_dir), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", "64", "--wiredTigerCacheSizeGB", "0.25", "--quiet"),
        # Without this an empty database takes 300 MB of disk.
        *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=8MB)"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", "ttlMonitorSleepSecs=1"),
        # A killed worker leaves its transaction open and its documents locked until mongod ends it:
        # after 60 s by default.
        *("--setParameter", "transactionLifetimeLimitSeconds=10"),
    ]


def redis_url(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"


def redis_command(binary: Path, data_dir: Path, port: int, role: RedisRole) -> list[str]:
    common = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data_dir), "--save", ""]
    if role == "broker":
        # Messages must not be evicted, and should survive a restart (the sweeper saves those that don't).
        return [*common, "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
    return [*common, "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
