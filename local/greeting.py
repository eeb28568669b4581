"""What `make run` prints when the system is ready: where it is, and one command to paste."""

import json
import shlex
import sys
from pathlib import Path

from local.data_dir import DataDir
from local.system import System
from local.terminal import say
from local.token import DEFAULT_SCOPE, make_token

SUBJECT = "alice"
FIRST_ORDER = {"items": [{"sku": "MUG-01", "quantity": 1}]}


def greet(system: System, data_dir: DataDir, seconds: float) -> None:
    token = make_token(system.jwt_secret, SUBJECT, DEFAULT_SCOPE)
    supervisorctl = Path(sys.executable).with_name("supervisorctl")
    say(f"\nReady after {seconds:.1f} s.\n")
    say(f"  API     {system.api_url}  (contract: {system.api_url}/docs)")
    say(f"  Flower  http://127.0.0.1:{system.flower_port}  (user admin, password {system.flower_password})")
    metrics = ", ".join(f"{part} http://127.0.0.1:{port}/metrics" for part, port in system.metrics_ports.items())
    say(f"  Metrics {metrics}")
    say(f"  Logs    {data_dir.logs}")
    say(f"  Parts   {_shell([supervisorctl, '-c', data_dir.supervisor_config, 'status'])}")
    say(f"\nA token of {SUBJECT} ({DEFAULT_SCOPE}); `make token` makes others:\n\n{token}")
    say(f"\nPlace an order:\n\n{order_command(system, token)}")
    say("\nCtrl-C stops everything. In another terminal: make demo, make verify.\n")


def order_command(system: System, token: str) -> str:
    return _shell(
        [
            *("curl", "-i", "--noproxy", "*", f"{system.api_url}/v1/orders"),
            *("-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json"),
            *("-d", json.dumps(FIRST_ORDER)),
        ]
    )


def _shell(words: list[object]) -> str:
    return shlex.join(str(word) for word in words)
