"""`make orders ARGS="list --status failed"`: the operators' commands, `worker/cli`, on the system in DATA_DIR.

The exit status is that of the command; make itself turns every failure into 2.
"""

import os
import shlex
import sys

from local.errors import LocalError
from local.parts import environment_of
from local.settings import load_local_settings
from local.system import running_system
from local.terminal import complain
from shared.settings import SettingsInvalid

EXIT_NOT_RUN = 2


def main() -> int:
    """Returns when it could not run the command."""
    try:
        arguments = shlex.split(os.environ.get("ARGS") or "--help")
        system = running_system(load_local_settings())
    except ValueError as error:
        complain(f"make orders: ARGS can't be read: {error}")
    except (LocalError, SettingsInvalid) as error:
        complain(f"make orders: {error}")
    else:
        command = [sys.executable, "-m", "celery", "-A", "worker", "orders", *arguments]
        # In the place of this process, so that Ctrl-C and the exit status are the command's own.
        os.execve(sys.executable, command, os.environ | environment_of(system))  # noqa: S606 - that is its purpose
    return EXIT_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
