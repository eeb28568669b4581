"""JSON in, by RFC 8259 and a little stricter: nothing in it may be read in two ways."""

import json
from typing import Any

import orjson


def loads(body: bytes | str) -> Any:
    """Raises `ValueError`, for NaN, broken UTF-8, half surrogate pairs (orjson refuses them) and names given twice too.

    Readers differ in which of two values they take (RFC 8259, section 4), so nobody can know what was meant.
    """
    value = orjson.loads(body)
    try:
        _twins.decode(body if isinstance(body, str) else body.decode())
    except RecursionError:
        raise ValueError("It is nested too deep") from None
    return value


def _refuse_twins(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"The name {twin[:100]!r} is given twice in one object")


_twins = json.JSONDecoder(object_pairs_hook=_refuse_twins)
