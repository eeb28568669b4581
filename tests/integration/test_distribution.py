"""The worker image's installation, as far as it can be tried without a container engine.

The folders that Dockerfile.worker copies are installed as it does, and run with nothing else of the project in reach.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import ENVIRONMENT

PROJECT = Path(__file__).resolve().parents[2]
DOCKERFILE = (PROJECT / "Dockerfile.worker").read_text()
IGNORED = (PROJECT / ".dockerignore").read_text().splitlines()

CELERY = """
import sys
sys.path = [place for place in sys.path if place != {project!r}]  # where this environment has the project itself
from celery.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in /app of the image."""
    source, app = (tmp_path_factory.mktemp(name) for name in ("source", "app"))
    for name in re.findall(r"^COPY (\S+) \1$", DOCKERFILE, re.MULTILINE):
        assert f"!{name}" in IGNORED
        (shutil.copytree if (PROJECT / name).is_dir() else shutil.copy)(PROJECT / name, source / name)
    [options] = re.findall(r"^RUN pip install (.+) --target /app \.$", DOCKERFILE, re.MULTILINE)
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *options.split()]
    subprocess.run([*command, "--target", app, "."], cwd=source, check=True, capture_output=True, timeout=120)
    return app


def celery(installed: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CELERY.format(project=str(PROJECT)), *words],
        cwd=installed.parent,
        env={"PATH": os.defpath, "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_has_the_packages_of_the_worker_and_no_others(installed: Path) -> None:
    packages = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert packages == {"shared", "worker"}
    assert (installed / "worker" / "cli" / "list_orders.py").exists()


def test_celery_finds_the_app_and_the_commands_there(installed: Path) -> None:
    shown = celery(installed, "-A", "worker", "orders", "list", "--help", **ENVIRONMENT)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "--older-than" in shown.stdout


def test_every_command_can_be_imported_there(installed: Path) -> None:
    shown = celery(installed, "orders", "--help")
    assert "verify-stock" in shown.stdout, shown.stderr


def test_without_it_there_are_none(tmp_path: Path) -> None:
    shown = celery(tmp_path, "orders", "--help", PYTHONPATH=str(tmp_path))
    assert "verify-stock" not in shown.stdout + shown.stderr
