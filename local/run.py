"""`make run`: starts the whole system, says how to use it, and stops it all when asked to.

By environment: DATA_DIR, API_PORT, FLOWER_PORT, MONGO_URL, REDIS_BROKER_URL, REDIS_CACHE_URL, JWT_SECRET (settings.py).
"""

import os
import sys
import time

from api.settings import load_api_settings
from local.data_dir import DataDir
from local.errors import LocalError, PortBusy
from local.greeting import greet
from local.parts import environment_of, programs_of, servers_of
from local.plan import plan_system
from local.ports import is_free
from local.processes import adopt_orphans, stop_when_parent_dies
from local.readiness import wait_until_ready
from local.seed import seed_products
from local.server_ready import wait_for_servers
from local.settings import LocalSettings, load_local_settings
from local.supervision import Supervisor
from local.supervisor_config import PROGRAMS
from local.system import System, write_down
from local.terminal import StopAsked, StopRequests, complain, say
from local.watch import Watch
from shared.settings import SettingsInvalid
from shared.startup import allow_many_files


def main() -> int:
    stop = StopRequests()
    if "--stop-with-parent" in sys.argv:
        stop_when_parent_dies()
    try:
        run(load_local_settings(), stop)
    except StopAsked:
        return 0
    except SettingsInvalid as error:
        for problem in error.problems:
            complain(f"make run: {problem}")
    except LocalError as error:
        complain(f"make run: {error}")
    return 1


def run(settings: LocalSettings, stop: StopRequests) -> None:
    """Runs until a signal comes: ends with `StopAsked`, or with a `LocalError` that says why not."""
    started = time.monotonic()
    data_dir = DataDir(settings.data_dir)
    data_dir.make()
    with data_dir.locked() as lock:
        refuse_busy_ports(settings)
        system = plan_system(settings, data_dir)
        servers, programs = servers_of(system, data_dir), programs_of(system)
        os.environ.update(environment_of(system))
        load_api_settings()  # refuses here and now what the parts would refuse one after the other
        write_down(system, data_dir)
        adopt_orphans()
        allow_many_files()
        supervisor = Supervisor(data_dir)
        watch = Watch(supervisor, data_dir, stop)
        try:
            supervisor.start(servers, programs, lock)
            bring_up(system, supervisor, watch)
            greet(system, data_dir, time.monotonic() - started)
            watch.keep_looking()
        finally:
            stop_everything(supervisor)


def refuse_busy_ports(settings: LocalSettings) -> None:
    if settings.api_port == settings.flower_port:
        raise PortBusy("API_PORT or FLOWER_PORT", settings.api_port)
    for variable, port in (("API_PORT", settings.api_port), ("FLOWER_PORT", settings.flower_port)):
        if not is_free(port):
            raise PortBusy(variable, port)


def bring_up(system: System, supervisor: Supervisor, watch: Watch) -> None:
    say(f"Starting {', '.join([*system.own_ports, 'beat'])} and flower")
    wait_for_servers(system, watch.waiting_for)
    say("Starting api and worker")
    supervisor.start_group(PROGRAMS, watch.waiting_for)
    wait_until_ready(system, watch.waiting_for)
    seed_products(system)


def stop_everything(supervisor: Supervisor) -> None:
    started = time.monotonic()
    say("\nStopping everything...")
    supervisor.stop()
    say(f"Stopped after {time.monotonic() - started:.1f} s.")


if __name__ == "__main__":
    sys.exit(main())
