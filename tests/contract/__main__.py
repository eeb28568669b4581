"""`make fuzz EXAMPLES=100 SEED=1`: holds a system of its own against its own document, by made-up requests."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.local_system import PROJECT, LocalSystem

SCOPE = "orders:write orders:read products:write stock:write ops"
CONFIG = Path(__file__).with_name("schemathesis.toml")


def fuzz(system: LocalSystem, *, examples: int, seed: str | None) -> subprocess.CompletedProcess[bytes]:
    """Exit status 0 when every answer was as documented; it prints how many cases there were."""
    token = system.make("token", SUB="fuzz", SCOPE=SCOPE).stdout.strip().splitlines()[-1]
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG)),
        *("run", f"{system.url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--checks", "all", "--max-examples", str(examples), "--continue-on-failure"),
        *(("--seed", seed) if seed else ()),
    ]
    return subprocess.run(command, cwd=PROJECT)


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        system = LocalSystem(Path(directory))
        system.start()
        try:
            examples = int(os.environ.get("EXAMPLES", "100"))
            return fuzz(system, examples=examples, seed=os.environ.get("SEED")).returncode
        finally:
            system.stop()


if __name__ == "__main__":
    sys.exit(main())
