"""JSON in, by RFC 8259 and a little stricter: nothing in it may be read in two ways."""

import json
from typing import Any

import orjson

from api.problems import Problem


def parse_json(body: bytes) -> Any:
    """Raises `Problem`, also for NaN, broken UTF-8, half surrogate pairs (orjson refuses them) and names given twice.

    Readers differ in which of two values they take (RFC 8259, section 4), so nobody can know what was meant.
    """
    try:
        value = orjson.loads(body)
        json.loads(body, object_pairs_hook=_refuse_twins)
    except ValueError as error:
        raise Problem("malformed-json", f"{error}.") from None
    except RecursionError:
        raise Problem("malformed-json", "It is nested too deep.") from None
    return value


def _refuse_twins(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise Problem("malformed-json", f"The name {twin[:100]!r} is given twice in one object.")
