"""The commands are found by celery, cost nothing until they are asked for, and are all in docs/operators.md."""

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from worker.cli import COMMANDS, orders
from worker.cli.list_orders import HEADER

DOCUMENT = Path("docs/operators.md").read_text()
CONTEXT = click.Context(orders)


def command(name: str) -> click.Command:
    found = orders.get_command(CONTEXT, name)
    assert found is not None
    return found


def test_celery_finds_them():
    [entry] = entry_points(group="celery.commands", name="orders")
    assert entry.load() is orders


def test_to_find_them_costs_celery_nothing_and_needs_no_settings():
    code = "import sys, click; before = set(sys.modules); import worker.cli; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["worker", "worker.cli"]


def test_one_that_is_not_there_is_none_of_them():
    assert orders.get_command(CONTEXT, "reopen") is None


@pytest.mark.parametrize("name", COMMANDS)
def test_each_has_help_that_fits_without_settings_and_takes_json(name):
    done = CliRunner().invoke(orders, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert "--json" in done.output
    assert "JSON: {" in " ".join(done.output.split()) or name == "show"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_in_one_line_what_each_is_for(name):
    assert not command(name).get_short_help_str(limit=60).endswith("...")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_document_has_each_command_with_every_option(name):
    documented = DOCUMENT.partition(f"### `orders {name}")[2].partition("\n### ")[0]
    assert documented, "no heading"
    options = {option for parameter in command(name).params for option in parameter.opts if option.startswith("--")}
    assert options - {"--json"} <= set(re.findall(r"--[a-z-]+", documented))


def test_the_document_has_no_option_that_there_is_not():
    there = {option for name in COMMANDS for parameter in command(name).params for option in parameter.opts}
    of_every_command, of_celery_call = "--help", "--args"
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", DOCUMENT))
    assert documented <= there | {of_every_command, of_celery_call}


def test_the_example_of_a_list_has_the_columns_of_one():
    assert "  ".join(HEADER).split() in [line.split() for line in DOCUMENT.splitlines()]


def test_the_document_has_every_exit_status():
    rows = re.findall(r"^\| (\d+) \|", DOCUMENT, re.MULTILINE)
    assert rows == re.findall(r"^ +(\d+)  ", orders.help or "", re.MULTILINE)
