"""Whether a token is ours: its claims, and its signature by the one algorithm that the settings fix (RFC 8725, 3.1)."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jwt

from api.bounded_fetch import fetch
from api.issuer_keys import IssuerKeys, KeyUnknown
from api.public_keys import NamedKey, PublicKey, key_from_pem, keys_from_jwk_set
from api.token_settings import TokenSettings

FindKey: TypeAlias = Callable[[str | None], PublicKey | str]
"""From the token's key id, `kid`, to the key, which alone decides. All else that a header may say about keys, such as
`jku`, `jwk` and `x5c`, is an offer of the caller's and not looked at."""

REASONS: Mapping[type[jwt.InvalidTokenError], str] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidIssuerError: "The token is from another issuer.",
    jwt.InvalidAudienceError: "The token is for another audience.",
}
"""Only those with a good signature get so far."""


NEEDED = ("sub", "exp", "scope")

VERIFIED_MAX = 4_096
"""Tokens that a process remembers; then it begins anew. Only good ones: nobody fills it who can't sign."""


class TokenRefused(Exception):
    """The message is for the caller."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What of a token's claims is needed again, by the key that is named `key_id`."""

    key_id: str | None
    key: PublicKey | str = field(repr=False)
    claims: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    settings: TokenSettings
    find_key: FindKey
    _verified: dict[bytes, Verified] = field(default_factory=dict, repr=False, compare=False)
    """By the token's digest: no token is kept."""

    def verify(self, token: str) -> dict[str, Any]:
        """The claims. Raises `TokenRefused`, and `Unavailable` while it can't be told.

        A signature stays what it is: it is checked once, as long as the same key answers to its name.
        """
        try:
            digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
            known = self._verified.get(digest)
            if known and known.key is self.find_key(known.key_id) and not self._has_expired(known.claims):
                return known.claims
            key_id = self._key_id(token)
            key = self.find_key(key_id)
            claims = self._decode(token, key)
        except KeyUnknown:
            raise TokenRefused("The token's issuer has no such key, or several and the token names none.") from None
        except jwt.InvalidTokenError as error:
            raise TokenRefused(REASONS.get(type(error), self._what_is_needed())) from None
        self._remember(digest, Verified(key_id, key, {name: claims[name] for name in NEEDED}))
        return claims

    def _decode(self, token: str, key: PublicKey | str) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[self.settings.algorithm],
            issuer=self.settings.issuer,
            audience=self.settings.audience,
            leeway=self.settings.leeway_seconds,
            options={"require": self._required(), "verify_aud": self.settings.audience is not None},
        )

    def _has_expired(self, claims: Mapping[str, Any]) -> bool:
        return int(claims["exp"]) + self.settings.leeway_seconds <= time.time()

    def _remember(self, digest: bytes, verified: Verified) -> None:
        if len(self._verified) >= VERIFIED_MAX:
            self._verified.clear()
        self._verified[digest] = verified

    def _key_id(self, token: str) -> str | None:
        """Looked at before any key is looked for, so that a token of another kind makes nobody ask the issuer."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") != self.settings.algorithm:
            raise jwt.InvalidAlgorithmError
        return header.get("kid")

    def _required(self) -> list[str]:
        optional = {"iss": self.settings.issuer, "aud": self.settings.audience}
        return [*NEEDED, *(claim for claim, value in optional.items() if value is not None)]

    def _what_is_needed(self) -> str:
        *claims, last = self._required()
        needed = f"{', '.join(claims)} and {last}, signed with {self.settings.algorithm}"
        return f"The token is not valid: it needs {needed}."


def make_token_verifier(settings: TokenSettings, *, waiters_max: int) -> TokenVerifier:
    return TokenVerifier(settings, _key_finder(settings, waiters_max))


def _key_finder(settings: TokenSettings, waiters_max: int) -> FindKey:
    """Of settings that were found to have no problems."""
    if settings.jwks_url is not None:
        url = settings.jwks_url

        def fetch_keys() -> list[NamedKey]:
            return keys_from_jwk_set(fetch(url), settings.algorithm)

        return IssuerKeys(fetch_keys, waiters_max=waiters_max).find
    key = key_from_pem(settings.public_key, settings.algorithm) if settings.public_key else settings.secret or ""
    return lambda _kid: key
