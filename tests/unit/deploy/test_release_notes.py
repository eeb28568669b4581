"""deploy/release-notes, on a made-up project: the notes of one version, or a refusal before anything is released."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path("deploy/release-notes")

CHANGELOG = """\
# Changelog

## Unreleased

- What is to come.

## 1.10.0 - 2026-05-04

- Ten.

## 1.1.0 - 2026-03-02

### Added

- A thing; see `## 1.0.0` for the other.

### Fixed

- Another.

## 1.0.1

## 1.0.0

- The first.
"""


def released(project: Path, version: str, *, of_project: str | None = None) -> subprocess.CompletedProcess[str]:
    (project / "deploy").mkdir()
    shutil.copy(SCRIPT, project / "deploy")
    (project / "CHANGELOG.md").write_text(CHANGELOG)
    (project / "pyproject.toml").write_text(f'[project]\nname = "x"\nversion = "{of_project or version}"\n')
    command = [str(project / "deploy/release-notes"), version]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        ("1.1.0", "### Added\n\n- A thing; see `## 1.0.0` for the other.\n\n### Fixed\n\n- Another."),
        ("1.10.0", "- Ten."),
        ("1.0.0", "- The first."),
    ],
)
def test_they_are_what_stands_below_the_heading_of_the_version(tmp_path, version, notes):
    done = released(tmp_path, version)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, notes, "")


@pytest.mark.parametrize("version", ["1.0.1", "1.1", "1.2.0", "1.1.0-rc1"])
def test_a_version_of_which_nothing_is_said_is_refused(tmp_path, version):
    done = released(tmp_path, version)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"CHANGELOG.md has no heading '## {version}'" in done.stderr


@pytest.mark.parametrize("of_project", ["1.1.1", "1.1.0.dev1", "1x1x0"])
def test_so_is_one_that_the_project_does_not_have(tmp_path, of_project):
    done = released(tmp_path, "1.1.0", of_project=of_project)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pyproject.toml has another version than 1.1.0" in done.stderr
