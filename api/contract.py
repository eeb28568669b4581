"""What a view says of itself for the document, beside its schemas: the headers it takes, and what it may refuse.

Kept on the function and read when the document is made (`api/document.py`): it costs a request nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

View = Callable[..., Any]
Parameter = dict[str, Any]

_TAKES, _REFUSES = "_takes", "_refuses"


def takes(*parameters: Parameter) -> Callable[[View], View]:
    """Parameters in OpenAPI's form."""
    return _noted(_TAKES, parameters)


def refuses(*slugs: str) -> Callable[[View], View]:
    """Problem types (`PROBLEM_TYPES`) that it answers with, beside those that follow from its scope and its body."""
    return _noted(_REFUSES, slugs)


def taken_by(view: View) -> Sequence[Parameter]:
    return getattr(view, _TAKES, ())


def refused_by(view: View) -> Sequence[str]:
    return getattr(view, _REFUSES, ())


def _noted(name: str, values: Sequence[Any]) -> Callable[[View], View]:
    def note(view: View) -> View:
        setattr(view, name, (*getattr(view, name, ()), *values))
        return view

    return note
