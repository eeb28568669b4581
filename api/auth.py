"""Who calls, and what they may do: the bearer token (RFC 6750), a JWT (RFC 7519), and its scopes (RFC 8693, 4.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from api.current import header, notes
from api.problems import Problem
from api.resources import resources
from api.tokens import TokenRefused

P = ParamSpec("P")
R = TypeVar("R")

SUBJECT_CHARACTERS_MAX = 255
TOKEN_CHARACTERS_MAX = 8_192

SCOPES = {
    "orders:write": "place orders",
    "orders:read": "read one's own orders",
    "products:write": "create, change and archive products",
    "stock:write": "adjust stock and read its ledger",
    "ops": "read, cancel and retry everybody's orders",
}


@dataclass(frozen=True, slots=True)
class Caller:
    subject: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        return scope in self.scopes


def caller() -> Caller:
    """The caller of the current request; only behind `require_scope`."""
    return cast("Caller", notes().caller)


def require_scope(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The view is reached only with a valid token that has the scope."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            notes().caller = who = authenticate(header("Authorization") or "")
            if not who.may(scope):
                raise insufficient_scope(scope)
            return view(*args, **kwargs)

        return guarded

    return decorate


def authenticate(authorization: str) -> Caller:
    """Raises `Problem` with 401 for whatever is not a token of ours; why is said as far as it helps the caller.

    Raises `Unavailable` when it can't be told, because the keys of its issuer can't be had.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("Send a token: Authorization: Bearer <JWT>.", error=None)
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise _unauthorized("The token is too long.")
    try:
        claims = resources().token_verifier.verify(token.strip())
    except TokenRefused as refusal:
        raise _unauthorized(str(refusal)) from None
    return _caller_from(claims["sub"], claims["scope"])


def _caller_from(subject: object, scope: object) -> Caller:
    if not isinstance(subject, str) or not _well_formed(subject):
        raise _unauthorized("The token's sub must be printable text of 1 to 255 characters.")
    if not isinstance(scope, str):
        raise _unauthorized("The token's scope must be text, scopes separated by spaces.")
    return Caller(subject, frozenset(scope.split()))


def _well_formed(subject: str) -> bool:
    return 0 < len(subject) <= SUBJECT_CHARACTERS_MAX and subject.isprintable()


def _unauthorized(detail: str, *, error: str | None = "invalid_token") -> Problem:
    challenge = 'Bearer realm="order-processor"' + (f', error="{error}"' if error else "")
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": challenge})


def insufficient_scope(scope: str) -> Problem:
    challenge = f'Bearer realm="order-processor", error="insufficient_scope", scope="{scope}"'
    detail = f"The token lacks the scope {scope}."
    return Problem("insufficient-scope", detail, {"scope": scope}, {"WWW-Authenticate": challenge})
