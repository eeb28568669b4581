"""Which tokens are ours, for every algorithm; what all of them share is in test_auth.py too, over HTTP with HS256."""

import base64
import hashlib
import hmac
import json
import time
from functools import partial
from typing import Any

import jwt
import pytest

from api import tokens
from api.issuer_keys import KeyUnknown
from api.token_settings import TokenSettings
from api.tokens import TokenRefused, TokenVerifier, make_token_verifier
from tests.builders import A_DAY, JWT_SECRET, a_token
from tests.keys import ec_key, jwk, key_for, pem, rsa_key

ALGORITHMS = ("RS256", "ES256")
ISSUER, AUDIENCE = "https://issuer.test/", "orders"


def verifier(algorithm: str = "RS256", **changes: Any) -> TokenVerifier:
    """With the public half of `key_for(algorithm)`, or the secret."""
    secret, key = (JWT_SECRET, None) if algorithm == "HS256" else (None, pem(key_for(algorithm)))
    settings = {"jwks_url": None, "issuer": None, "audience": None, "leeway_seconds": 10, **changes}
    return make_token_verifier(TokenSettings(algorithm, secret, key, **settings), waiters_max=1)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], **changes: Any) -> str:
    claims = {"sub": "alice", "scope": "ops", "exp": int(time.time()) + A_DAY, **changes}
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"


def ours_with_header(algorithm: str, **header: Any) -> str:
    """With a good signature on a header that no library would write."""
    text = unsigned({"alg": algorithm, **header})
    return f"{text}.{encoded(jwt.get_algorithm_by_name(algorithm).sign(text.encode(), key_for(algorithm)))}"


def public_key_as_secret(key: str, algorithm: str = "HS256") -> str:
    """What everyone may have as the secret of an HMAC: RFC 8725, section 2.1. No library would sign so."""
    text = unsigned({"alg": algorithm})
    return f"{text}.{encoded(hmac.digest(key.encode(), text.encode(), hashlib.sha256))}"


def bad_tokens(algorithm: str) -> dict[str, str]:
    ours, public = partial(a_token, key=key_for(algorithm), algorithm=algorithm), pem(key_for(algorithm))
    mallory = key_for(algorithm, "mallory's")
    theirs = partial(a_token, key=mallory, algorithm=algorithm)
    body, _, signature = ours().rpartition(".")
    tomorrow = int(time.time()) + A_DAY
    return {
        "none algorithm": unsigned({"alg": "none"}) + ".",
        "none algorithm, a signature": f"{unsigned({'alg': 'none'})}.{signature}",
        "no algorithm": f"{unsigned({})}.{signature}",
        "algorithm is a list": f"{unsigned({'alg': [algorithm]})}.{signature}",
        "algorithm in small letters": f"{unsigned({'alg': algorithm.lower()})}.{signature}",
        "HS256, signed with the public key": public_key_as_secret(public),
        "HS256, signed with the public key without its last newline": public_key_as_secret(public.strip()),
        "HS256, signed with the public key as DER": public_key_as_secret("".join(public.splitlines()[1:-1])),
        "HS256, signed with the public key, as if it were ours": public_key_as_secret(public, algorithm),
        "HS256, signed with nothing": public_key_as_secret(""),
        "HS256, signed with another secret": a_token(),
        "other key": theirs(),
        "other key, the name of ours": theirs(header={"kid": "one"}),
        "other key, offered in the header": theirs(header={"jwk": jwk(mallory)}),
        "other key, offered at an address": theirs(header={"jku": "http://127.0.0.1:1/keys", "kid": "one"}),
        "other key, offered as a certificate": theirs(header={"x5c": ["".join(pem(mallory).splitlines()[1:-1])]}),
        "other key, offered as a certificate's address": theirs(header={"x5u": "http://127.0.0.1:1/certificate"}),
        "other kind of key": a_token(key=OTHER_KIND[algorithm][1], algorithm=OTHER_KIND[algorithm][0]),
        "other hash": a_token(key=rsa_key(), algorithm="RS512"),
        "other padding": a_token(key=rsa_key(), algorithm="PS256"),
        "other curve": a_token(key=ec_key(curve="P-384"), algorithm="ES384"),
        "no signature": f"{body}.",
        "a signature of zeros": f"{body}.{encoded(bytes(64))}",
        "another token's signature": f"{body}.{ours(sub='bob').rpartition('.')[2]}",
        "expired": ours(seconds=-60),
        "not valid yet": ours(nbf=tomorrow),
        "made tomorrow": ours(iat=tomorrow),
        "no exp": ours(exp=None),
        "no sub": ours(sub=None),
        "no scope": ours(scope=None),
        "key id is a number": ours_with_header(algorithm, kid=7),
        "key id is a list": ours_with_header(algorithm, kid=["one"]),
        "key id is an object": ours_with_header(algorithm, kid={"$ne": ""}),
        "key id is null": ours_with_header(algorithm, kid=None),
        "unknown critical header": ours_with_header(algorithm, crit=["x"], x=1),
        "detached": ours_with_header(algorithm, crit=["b64"], b64=False),
        "header is a list": f"{encoded(b'[]')}.e30.{signature}",
        "header is too deep": f"{encoded(b'[' * 4_000)}.e30.{signature}",
        "garbage": "garbage",
        "dots": "..",
    }


OTHER_KIND = {"RS256": ("ES256", ec_key()), "ES256": ("RS256", rsa_key())}
BAD = {f"{a}: {name}": (a, token) for a in ALGORITHMS for name, token in bad_tokens(a).items()}


@pytest.mark.parametrize(("algorithm", "token"), BAD.values(), ids=BAD)
def test_a_token_that_is_not_ours_or_not_whole_is_refused(algorithm, token):
    with pytest.raises(TokenRefused):
        verifier(algorithm).verify(token)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_ours_is_taken_whatever_else_its_header_offers(algorithm):
    harmless = [{}, {"kid": "one"}, {"kid": ""}, {"kid": "../../etc/passwd"}, {"kid": "K" * 4_000}, {"kid": "\ud800"}]
    offers = [{"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}, {"jwk": jwk(ec_key("mallory's"))}]
    for header in harmless + offers:
        assert verifier(algorithm).verify(ours_with_header(algorithm, **header))["sub"] == "alice"


@pytest.mark.parametrize("algorithm", ["HS256", *ALGORITHMS])
def test_the_refusal_names_the_algorithm_and_the_claims_that_are_needed(algorithm):
    with pytest.raises(TokenRefused) as refusal:
        verifier(algorithm, issuer=ISSUER, audience=AUDIENCE).verify("garbage")
    needed = f"sub, exp, scope, iss and aud, signed with {algorithm}"
    assert str(refusal.value) == f"The token is not valid: it needs {needed}."
    with pytest.raises(TokenRefused, match=f"it needs sub, exp and scope, signed with {algorithm}"):
        verifier(algorithm).verify("garbage")


def ours(algorithm: str = "RS256", **claims: Any) -> str:
    return a_token(key=JWT_SECRET if algorithm == "HS256" else key_for(algorithm), algorithm=algorithm, **claims)


FOREIGN = {
    "another issuer": ({"iss": "https://other.test/"}, "another issuer"),
    "nearly our issuer": ({"iss": ISSUER.rstrip("/")}, "another issuer"),
    "issuer and more": ({"iss": f"{ISSUER}x"}, "another issuer"),
    "part of our issuer": ({"iss": ISSUER[:12]}, "another issuer"),
    "issuer is empty": ({"iss": ""}, "another issuer"),
    "no issuer": ({"iss": None}, "iss and aud"),
    "another audience": ({"aud": "stock"}, "another audience"),
    "other audiences": ({"aud": ["stock", "orders-admin"]}, "another audience"),
    "part of our audience": ({"aud": AUDIENCE[:3]}, "another audience"),
    "audience is an object": ({"aud": {AUDIENCE: True}}, "another audience"),
    "audience is empty": ({"aud": []}, "iss and aud"),
    "a list with more than text": ({"aud": [AUDIENCE, 7]}, "another audience"),
    "no audience": ({"aud": None}, "iss and aud"),
}


@pytest.mark.parametrize("algorithm", ["HS256", *ALGORITHMS])
@pytest.mark.parametrize(("claims", "why"), FOREIGN.values(), ids=FOREIGN)
def test_a_token_of_another_issuer_or_for_another_audience_is_refused(algorithm, claims, why):
    strict = verifier(algorithm, issuer=ISSUER, audience=AUDIENCE)
    token = ours(algorithm, **{"iss": ISSUER, "aud": AUDIENCE, **claims})
    with pytest.raises(TokenRefused, match=why):
        strict.verify(token)


@pytest.mark.parametrize("issuer", [[ISSUER], {ISSUER: 1}, 7, True])
def test_an_issuer_that_is_not_text_is_another_one(issuer):
    text = unsigned({"alg": "HS256"}, iss=issuer)
    token = f"{text}.{encoded(hmac.digest(JWT_SECRET.encode(), text.encode(), hashlib.sha256))}"
    assert verifier("HS256").verify(token)["iss"] == issuer
    with pytest.raises(TokenRefused, match="another issuer"):
        verifier("HS256", issuer=ISSUER).verify(token)


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["stock", AUDIENCE]])
def test_a_token_of_our_issuer_for_us_and_perhaps_for_others_is_taken(audience):
    strict = verifier(issuer=ISSUER, audience=AUDIENCE)
    assert strict.verify(ours(iss=ISSUER, aud=audience))["sub"] == "alice"


@pytest.mark.parametrize("claims", [{}, {"iss": "anyone"}, {"aud": "anything"}, {"aud": ["a", "b"]}])
def test_issuer_and_audience_are_not_looked_at_unless_they_are_set(claims):
    assert verifier().verify(ours(**claims))["sub"] == "alice"


@pytest.mark.parametrize(("claim", "why"), [("exp", "expired"), ("nbf", "not valid yet"), ("iat", "not valid yet")])
def test_clocks_may_differ_by_the_leeway_and_by_no_more(claim, why):
    sign = -1 if claim == "exp" else 1
    token = ours(**{claim: int(time.time()) + sign * 60})
    assert verifier(leeway_seconds=90).verify(token)["sub"] == "alice"
    with pytest.raises(TokenRefused, match=why):
        verifier(leeway_seconds=30).verify(token)


def test_why_is_said_only_of_tokens_with_a_good_signature():
    forged = a_token(key=rsa_key("mallory's"), algorithm="RS256", seconds=-60)
    with pytest.raises(TokenRefused, match="signed with RS256"):
        verifier().verify(forged)


class Keys:
    """Remembers which key ids were looked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str | None] = []
        self._error = error

    def find(self, kid: str | None) -> Any:
        self.asked.append(kid)
        if self._error:
            raise self._error
        return rsa_key().public_key()


def with_keys(keys: Keys) -> TokenVerifier:
    return TokenVerifier(verifier().settings, keys.find)


def test_the_key_is_looked_for_by_the_key_id_and_by_nothing_else():
    keys = Keys()
    for header in ({}, {"kid": "one"}, {"kid": "../../x"}):
        with_keys(keys).verify(ours_with_header("RS256", jku="http://127.0.0.1:1/", **header))
    assert keys.asked == [None, "one", "../../x"]


@pytest.mark.parametrize("token", ["garbage", a_token(), unsigned({"alg": "none", "kid": "a"}) + ".", "a" * 9_000])
def test_a_token_of_another_kind_makes_nobody_look_for_keys(token):
    keys = Keys()
    with pytest.raises(TokenRefused):
        with_keys(keys).verify(token)
    assert keys.asked == []


def test_a_key_that_the_issuer_does_not_have_is_a_refusal():
    with pytest.raises(TokenRefused, match="no such key"):
        with_keys(Keys(KeyUnknown())).verify(ours())


class Signatures:
    """Counts the signatures that are checked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checked = 0
        decode = jwt.decode

        def counting(*args: Any, **kwargs: Any) -> Any:
            self.checked += 1
            return decode(*args, **kwargs)

        monkeypatch.setattr(jwt, "decode", counting)


def test_a_signature_is_checked_once_for_each_token(monkeypatch):
    signatures, given = Signatures(monkeypatch), [ours(), ours(sub="bob")]
    ours_alone = verifier()
    assert [ours_alone.verify(token)["sub"] for token in given * 3] == ["alice", "bob"] * 3
    assert signatures.checked == 2


def test_a_token_that_was_good_expires_all_the_same(monkeypatch):
    token, ours_alone = ours(exp=int(time.time()) + 100), verifier()
    ours_alone.verify(token)
    in_109_seconds, in_111_seconds = time.time() + 109, time.time() + 111
    monkeypatch.setattr(time, "time", lambda: in_109_seconds)
    ours_alone.verify(token)
    monkeypatch.setattr(time, "time", lambda: in_111_seconds)
    monkeypatch.setattr(jwt, "decode", expired)
    with pytest.raises(TokenRefused, match="expired"):
        ours_alone.verify(token)


def expired(*_: Any, **__: Any) -> Any:
    """The library looks at a clock of its own."""
    raise jwt.ExpiredSignatureError


def test_a_token_that_was_good_is_not_when_its_key_is_another_now():
    keys = {"one": rsa_key().public_key()}
    ours_alone = TokenVerifier(verifier().settings, lambda kid: keys[kid or ""])
    token = ours_with_header("RS256", kid="one")
    ours_alone.verify(token)
    keys["one"] = key_for("RS256", "mallory's").public_key()
    with pytest.raises(TokenRefused, match="signed with RS256"):
        ours_alone.verify(token)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(tokens, "VERIFIED_MAX", 2)
    signatures, ours_alone = Signatures(monkeypatch), verifier()
    alice, bob, carol = (ours(sub=name) for name in ("alice", "bob", "carol"))
    for token in (alice, bob, carol, carol, alice):
        ours_alone.verify(token)
    assert signatures.checked == 4


def test_neither_a_token_nor_the_secret_is_shown_with_the_verifier():
    ours_alone, token = verifier("HS256"), a_token()
    ours_alone.verify(token)
    shown = f"{ours_alone!r} {ours_alone._verified!r}"
    assert token not in shown
    assert JWT_SECRET not in shown
