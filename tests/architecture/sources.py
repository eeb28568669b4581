"""The project's own Python files, parsed: what the tests of this folder look at."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def modules(*folders: str) -> dict[Path, ast.Module]:
    """The modules in these folders that are not empty, by their path in the project."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    texts = {path.relative_to(ROOT): path.read_text() for path in paths}
    return {path: ast.parse(text, str(path)) for path, text in texts.items() if text.strip()}


def imported(module: ast.Module) -> Iterator[str]:
    """The full names of what a module imports, wherever in it the import stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be read here"
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)
