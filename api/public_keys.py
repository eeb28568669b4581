"""Which public keys may verify tokens. Pure: from a PEM or a JWK set (RFC 7517) to keys that fit the one algorithm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey

RSA_BITS_MIN = 2048

PUBLIC_MEMBERS = {"RS256": ("kty", "n", "e"), "ES256": ("kty", "crv", "x", "y")}
"""By algorithm, what a JWK is made of (RFC 7518, section 6). Nothing else of it reaches the library."""

KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}


class KeyUnfit(ValueError):
    """Not a key, or not one for the algorithm; the message says what it is, and never shows it."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """`kid` is None when the issuer gave the key no name."""

    kid: str | None
    public_key: PublicKey


def key_from_pem(pem: str, algorithm: str) -> PublicKey:
    """Raises `KeyUnfit`."""
    if "PRIVATE KEY" in pem:
        raise KeyUnfit("Holds a private key, which only the issuer may have; make the public one: openssl pkey -pubout")
    if pem.count("-----BEGIN") != 1:
        raise KeyUnfit("Must be one PEM, with its BEGIN and END lines")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        hint = "of a certificate: openssl x509 -pubkey -noout"
        raise KeyUnfit(f"Must be a public key in PEM, -----BEGIN PUBLIC KEY----- ({hint})") from None
    return _fit(key, algorithm)


def keys_from_jwk_set(body: bytes, algorithm: str) -> list[NamedKey]:
    """Those that may verify tokens; the others, which an issuer may well have too, are passed over.

    Raises `KeyUnfit` when none is left: an issuer that signs has a key, so this is a mistake and not an answer.
    """
    try:
        entries = orjson.loads(body)["keys"]
        keys = [_named_key(entry, algorithm) for entry in entries if _is_meant_for(entry, algorithm)]
    except (ValueError, TypeError, KeyError):
        raise KeyUnfit("Not a JWK set") from None
    fitting = [key for key in keys if key is not None]
    if not fitting:
        raise KeyUnfit(f"No key for {algorithm} in the JWK set")
    return fitting


def _is_meant_for(jwk: object, algorithm: str) -> bool:
    """By what the issuer says of it. A key that comes with its private half protects nothing any more."""
    if not isinstance(jwk, Mapping) or "d" in jwk or jwk.get("kty") != KEY_TYPES[algorithm]:
        return False
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
    )


def _named_key(jwk: Mapping[str, object], algorithm: str) -> NamedKey | None:
    members = {name: jwk.get(name) for name in PUBLIC_MEMBERS[algorithm]}
    kid = jwk.get("kid")
    try:
        key = _fit(jwt.PyJWK(members, algorithm).key, algorithm)
    except (KeyUnfit, jwt.PyJWTError):
        return None
    return NamedKey(kid if isinstance(kid, str) else None, key)


def _fit(key: object, algorithm: str) -> PublicKey:
    """RFC 7518, sections 3.3 and 3.4. Raises `KeyUnfit`."""
    if isinstance(key, RSAPublicKey) and algorithm == "RS256":
        if key.key_size < RSA_BITS_MIN:
            raise KeyUnfit(f"Has {key.key_size} bits; RS256 needs {RSA_BITS_MIN} or more")
    elif isinstance(key, EllipticCurvePublicKey) and algorithm == "ES256":
        if not isinstance(key.curve, SECP256R1):
            raise KeyUnfit(f"Is on the curve {key.curve.name}; ES256 needs P-256")
    else:
        raise KeyUnfit(f"Is of another kind than {algorithm} needs, {KEY_TYPES[algorithm]}")
    return key
