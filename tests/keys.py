"""Key pairs as token issuers have them, made once for all tests, and how they are written down."""

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "secp256k1": ec.SECP256K1}


def rsa_key(name: str = "one", *, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same for the same name."""
    return _rsa_key(name, bits)


def ec_key(name: str = "one", *, curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """The same for the same name."""
    return _ec_key(name, curve)


@cache
def _rsa_key(_name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, bits)


@cache
def _ec_key(_name: str, curve: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[curve]())


def key_for(algorithm: str, name: str = "one") -> PrivateKey:
    return rsa_key(name) if algorithm == "RS256" else ec_key(name)


def pem(key: PrivateKey) -> str:
    """Its public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: PrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def jwk(key: PrivateKey, kid: str | None = "one", **members: Any) -> dict[str, Any]:
    """Its public half; a member given as None is left out."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    everything = {**algorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig", "kid": kid, **members}
    return {name: value for name, value in everything.items() if value is not None}


def jwk_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()
