"""Who may import whom: api -> shared <- worker, the rules of ordering on nothing, and HTTP only in api."""

import ast
import sys

import pytest

from tests.architecture.sources import imported, modules

HTTP = {"flask", "werkzeug", "flask_smorest", "marshmallow", "webargs", "apispec"}


def packages(module: ast.Module) -> set[str]:
    return {name.partition(".")[0] for name in imported(module)}


def offenders(folder: str, forbidden: set[str]) -> dict[str, set[str]]:
    """The modules of the folder that import what they must not, and what that is."""
    found = {str(path): packages(module) & forbidden for path, module in modules(folder).items()}
    return {path: names for path, names in found.items() if names}


def test_the_domain_imports_the_standard_library_and_itself_alone():
    for path, module in modules("shared/domain").items():
        for name in imported(module):
            allowed = name.partition(".")[0] in sys.stdlib_module_names or name.startswith("shared.domain")
            assert allowed, f"{path} imports {name}"


@pytest.mark.parametrize("module", ["socket", "threading", "os", "subprocess", "time", "logging", "random"])
def test_the_domain_has_no_input_and_no_output(module):
    assert offenders("shared/domain", {module}) == {}


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("api", {"worker", "local", "tests"}),
        ("worker", {"api", "local", "tests"} | HTTP),
        ("shared", {"api", "worker", "local", "tests"} | HTTP),
        ("local", {"tests"}),
    ],
)
def test_a_folder_imports_only_what_lies_beneath_it(folder, forbidden):
    assert offenders(folder, forbidden) == {}


def test_only_the_store_talks_to_mongodb():
    """Others pass a `Database` on, and know its type; they call nothing of it."""
    for folder in ("api", "worker", "shared"):
        for path, module in modules(folder).items():
            if not path.is_relative_to("shared/store"):
                used = {name for name in imported(module) if name.partition(".")[0] in {"pymongo", "bson"}}
                assert used <= {"pymongo.database", "pymongo.database.Database"}, path


def test_each_folder_is_looked_at():
    for folder in ("api", "worker", "shared", "shared/domain", "shared/store", "shared/services"):
        assert len(modules(folder)) > 2, folder


def test_the_check_finds_an_import_wherever_it_stands():
    module = ast.parse("def f():\n    if 1:\n        from flask.views import View\n        import worker.tasks as t\n")
    assert set(imported(module)) == {"flask.views", "flask.views.View", "worker.tasks"}
    assert packages(module) == {"flask", "worker"}
