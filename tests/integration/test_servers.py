"""Servers that are started here end when whoever started them says so."""

import os
import signal

from local.servers import running_redis


def test_ctrl_c_is_not_theirs(tmp_path):
    """The terminal sends it to the whole group of the one that started them, who needs them until it has tidied up."""
    with running_redis(tmp_path, role="cache") as server:
        assert os.getpgid(server.process.pid) != os.getpgrp()
        assert server.process.poll() is None
    assert server.process.returncode in (0, -signal.SIGTERM)
