"""Every module opens with what lives in it, and why apart."""

import ast

from tests.architecture.sources import modules


def test_every_module_opens_with_a_docstring():
    bare = [
        str(path)
        for path, module in modules("api", "worker", "shared", "local", "deploy", "tests").items()
        if not ast.get_docstring(module)
    ]
    assert bare == []
