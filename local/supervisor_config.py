"""Writes supervisor's configuration: every part is restarted whenever it dies, and logs to a file of its own.

https://supervisord.org/configuration.html
"""

import shlex
from pathlib import Path

from local.data_dir import DataDir
from local.parts import Part

PROJECT = Path(__file__).resolve().parent.parent

SERVERS = "servers"
PROGRAMS = "programs"


def supervisor_config(data_dir: DataDir, socket: Path, servers: list[Part], programs: list[Part]) -> str:
    sections = [_supervisord(data_dir), _control(socket)]
    sections += [_program(part, data_dir) for part in [*servers, *programs]]
    # The group with the highest priority stops first, and the next one when it has stopped.
    sections += [_group(SERVERS, servers, priority=100)] if servers else []
    sections += [_group(PROGRAMS, programs, priority=900)]
    return "\n".join(sections)


def _supervisord(data_dir: DataDir) -> str:
    return _section(
        "supervisord",
        nodaemon="true",
        directory=PROJECT,
        logfile=data_dir.log_of("supervisord"),
        logfile_maxbytes="5MB",
        logfile_backups=2,
        pidfile=data_dir.path / "supervisord.pid",
        childlogdir=data_dir.logs,
    )


def _control(socket: Path) -> str:
    return (
        _section("unix_http_server", file=socket, chmod="0700")
        + "\n"
        + _section("supervisorctl", serverurl=f"unix://{socket}")
        + "\n[rpcinterface:supervisor]\n"
        + "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
    )


def _program(part: Part, data_dir: DataDir) -> str:
    return _section(
        f"program:{part.name}",
        command=shlex.join(part.command),
        environment=f'METRICS_PORT="{part.metrics_port}"',
        # The rest is started by a command, when MongoDB is ready for it.
        autostart=str(not part.needs_mongodb).lower(),
        autorestart="true",
        # One that ends sooner is started again after 1, 2, 3... seconds. There is no "for ever".
        startsecs=2,
        startretries=1_000_000,
        stopwaitsecs=part.stop_seconds,
        stopasgroup="true",
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=data_dir.log_of(part.name),
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups=3,
    )


def _group(name: str, parts: list[Part], priority: int) -> str:
    return _section(f"group:{name}", programs=",".join(part.name for part in parts), priority=priority)


def _section(name: str, **options: object) -> str:
    # supervisor expands %(name)s in every value.
    lines = [f"{option} = {str(value).replace('%', '%%')}" for option, value in options.items()]
    return "\n".join([f"[{name}]", *lines, ""])
