"""Which public keys count: by algorithm, size, curve, and by what the issuer says they are for."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from jwt.algorithms import RSAAlgorithm

from api.public_keys import KeyUnfit, NamedKey, key_from_pem, keys_from_jwk_set
from tests.keys import ec_key, jwk, jwk_set, key_for, pem, private_pem, rsa_key

ALGORITHMS = ("RS256", "ES256")


def kids(body: bytes, algorithm: str) -> list[str | None]:
    return [key.kid for key in keys_from_jwk_set(body, algorithm)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_pem_and_a_jwk_set_give_the_key_that_they_hold(algorithm):
    key = key_for(algorithm)
    assert key_from_pem(pem(key), algorithm) == key.public_key()
    assert keys_from_jwk_set(jwk_set(jwk(key, "a")), algorithm) == [NamedKey("a", key.public_key())]


def test_the_older_pem_of_rsa_keys_is_read_too():
    older = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert key_from_pem(older, "RS256") == rsa_key().public_key()


UNFIT_PEMS = {
    "private": ("RS256", private_pem(rsa_key()), "openssl pkey -pubout"),
    "private, RSA's form": ("RS256", private_pem(rsa_key(), PrivateFormat.TraditionalOpenSSL), "private key"),
    "private, ES256": ("ES256", private_pem(ec_key()), "private key"),
    "public and private": ("RS256", pem(rsa_key()) + private_pem(rsa_key()), "private key"),
    "two": ("RS256", pem(rsa_key()) + pem(rsa_key("two")), "one PEM"),
    "of the other kind, EC": ("RS256", pem(ec_key()), "RS256 needs, RSA"),
    "of the other kind, RSA": ("ES256", pem(rsa_key()), "ES256 needs, EC"),
    "another curve": ("ES256", pem(ec_key(curve="P-384")), "secp384r1; ES256 needs P-256"),
    "a curve of the same size": ("ES256", pem(ec_key(curve="secp256k1")), "secp256k1; ES256 needs P-256"),
    "short": ("RS256", pem(rsa_key(bits=1024)), "1024 bits; RS256 needs 2048"),
    "broken": ("RS256", pem(rsa_key()).replace("A", "!"), "-----BEGIN PUBLIC KEY-----"),
    "certificate": ("RS256", pem(rsa_key()).replace("PUBLIC KEY", "CERTIFICATE"), "openssl x509 -pubkey"),
    "no PEM": ("RS256", "MIIBIjANBgkqhkiG9w0BAQEFAAOC", "one PEM"),
}


@pytest.mark.parametrize(("algorithm", "text", "why"), UNFIT_PEMS.values(), ids=UNFIT_PEMS)
def test_a_pem_that_can_verify_nothing_is_refused_with_the_way_out(algorithm, text, why):
    with pytest.raises(KeyUnfit) as refusal:
        key_from_pem(text, algorithm)
    assert why in str(refusal.value)


PRIVATE_JWK = {**RSAAlgorithm.to_jwk(rsa_key("two"), as_dict=True), "key_ops": ["verify"], "kid": "bad"}
PASSED_OVER = {
    "to encrypt": ("RS256", jwk(rsa_key("two"), "bad", use="enc")),
    "for another algorithm": ("RS256", jwk(rsa_key("two"), "bad", alg="RS512")),
    "for PSS": ("RS256", jwk(rsa_key("two"), "bad", alg="PS256")),
    "not to verify": ("RS256", jwk(rsa_key("two"), "bad", key_ops=["encrypt"])),
    "operations are text": ("RS256", jwk(rsa_key("two"), "bad", key_ops="verify")),
    "private": ("RS256", PRIVATE_JWK),
    "short": ("RS256", jwk(rsa_key(bits=1024), "bad")),
    "EC for RS256": ("RS256", jwk(ec_key(), "bad")),
    "EC that says RS256": ("RS256", jwk(ec_key(), "bad", alg="RS256")),
    "RSA for ES256": ("ES256", jwk(rsa_key(), "bad")),
    "another curve": ("ES256", jwk(ec_key(curve="P-384"), "bad")),
    "a curve of the same size": ("ES256", jwk(ec_key(curve="secp256k1"), "bad")),
    "not on the curve": ("ES256", jwk(ec_key("two"), "bad", x=jwk(ec_key())["y"])),
    "a shared secret": ("RS256", {"kty": "oct", "k": "c2VjcmV0", "kid": "bad"}),
    "a shared secret as an RSA key": ("RS256", {"kty": "RSA", "k": "c2VjcmV0", "kid": "bad"}),
    "without its modulus": ("RS256", jwk(rsa_key("two"), "bad", n=None)),
    "modulus is a number": ("RS256", jwk(rsa_key("two"), "bad", n=7)),
    "exponent is even": ("RS256", jwk(rsa_key("two"), "bad", e="AA")),
    "kty is a list": ("RS256", jwk(rsa_key("two"), "bad", kty=["RSA"])),
    "text": ("RS256", "bad"),
    "nothing": ("RS256", None),
}


@pytest.mark.parametrize(("algorithm", "other"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_a_key_that_is_not_for_this_is_passed_over_and_the_others_count(algorithm, other):
    assert kids(jwk_set(other, jwk(key_for(algorithm), "good"), other), algorithm) == ["good"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "members",
    [{"use": None}, {"alg": "its own"}, {"key_ops": ["sign", "verify"]}, {"x5c": ["MII"]}, {"jku": "https://x"}],
)
def test_what_an_issuer_may_say_besides_does_no_harm(algorithm, members):
    named = {name: algorithm if value == "its own" else value for name, value in members.items()}
    assert kids(jwk_set(jwk(key_for(algorithm), "a", **named)), algorithm) == ["a"]


@pytest.mark.parametrize("kid", [None, 7, ["a"], {"a": 1}])
def test_a_name_that_is_not_text_is_none(kid):
    assert kids(jwk_set(jwk(rsa_key(), None) | ({} if kid is None else {"kid": kid})), "RS256") == [None]


NOT_SETS = {
    "nothing": b"",
    "not JSON": b"<html>502</html>",
    "not UTF-8": b'{"keys": "\xff"}',
    "too deep": b"[" * 100_000,
    "a list": b"[]",
    "text": b'"keys"',
    "null": b"null",
    "no keys": b"{}",
    "keys are null": b'{"keys": null}',
    "keys are a number": b'{"keys": 7}',
    "keys are text": b'{"keys": "one"}',
    "keys are an object": b'{"keys": {"a": 1}}',
    "an empty set": b'{"keys": []}',
    "none that fits": jwk_set(jwk(ec_key())),
    "one key, not a set": json.dumps(jwk(rsa_key())).encode(),
}


@pytest.mark.parametrize("body", NOT_SETS.values(), ids=NOT_SETS)
def test_what_has_no_key_for_us_is_a_mistake_and_not_an_answer(body):
    with pytest.raises(KeyUnfit):
        keys_from_jwk_set(body, "RS256")


STRANGE = [None, True, 7, -1, 1.5, "", "!", "AA", "é", "A" * 9_999, [], [[]], ["verify", {}], {}, {"a": 1}]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("member", ["kty", "n", "e", "crv", "x", "y", "use", "alg", "key_ops", "kid", "d"])
def test_whatever_one_key_says_the_other_keys_count(algorithm, member):
    for value in STRANGE:
        strange = jwk(key_for(algorithm, "two"), "two") | {member: value}
        assert "good" in kids(jwk_set(strange, jwk(key_for(algorithm), "good")), algorithm)
