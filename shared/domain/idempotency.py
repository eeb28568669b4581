"""Idempotency keys: who repeats a request with the key of the first one gets its outcome, not a second effect."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import IdempotencyKeyReuse


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's `Idempotency-Key` and a digest of the request that it came with."""

    key: str
    fingerprint: str


def idempotency_of(key: str | None, request: Mapping[str, Any]) -> Idempotency | None:
    """`request` is what was asked for, in a normal form: equal requests must look the same."""
    if key is None:
        return None
    return Idempotency(key, hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest())


def check_same_request(idempotency: Idempotency | None, first_fingerprint: str) -> None:
    """Raises `IdempotencyKeyReuse`."""
    if idempotency and idempotency.fingerprint != first_fingerprint:
        raise IdempotencyKeyReuse(idempotency.key)
