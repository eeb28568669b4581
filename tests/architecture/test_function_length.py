"""Functions are short enough to be seen whole."""

import ast

from tests.architecture.sources import modules

LINES_MAX = 50


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, module in modules("api", "worker", "shared", "local", "deploy").items()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= LINES_MAX
    ]
    assert long == []
