"""On what it was measured: the machine and the versions of the programs."""

import platform
import re
import shutil
import subprocess
import time
from typing import Any

import psutil
from redis import Redis

from bench.ground import Ground
from bench.load import find_wrk
from bench.plan import Plan


def about(ground: Ground, plan: Plan) -> dict[str, Any]:
    with Redis.from_url(ground.redis_broker.url) as redis:
        redis_version = redis.info("server")["redis_version"]
    database = ground.empty("about")
    mongod_version = database.client.server_info()["version"]
    database.client.close()
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "plan": plan.name,
        "rounds": plan.rounds,
        "turns": plan.turns,
        "seconds": plan.seconds,
        "turn_seconds": plan.turn_seconds,
        "orders_stored": list(plan.stored),
        "cpus": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "mongod": mongod_version,
        "redis": redis_version,
        "wrk": version_in(said_by(find_wrk(), "-v")),
        "node": version_in(said_by(shutil.which("node"), "--version")),
    }


def said_by(program: str | None, option: str) -> str:
    """wrk ends with status 1 when it is asked for its version, and says it all the same."""
    if program is None:
        return ""
    run = subprocess.run([program, option], capture_output=True, text=True, check=False, timeout=10)
    return run.stdout + run.stderr


def version_in(text: str) -> str | None:
    """The first thing that looks like one."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else None
