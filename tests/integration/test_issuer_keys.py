"""Tokens of an issuer whose keys are at an address: a real server that rotates them, breaks, hangs and lies."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from api.bounded_fetch import BYTES_MAX
from api.token_settings import TokenSettings
from api.tokens import TokenRefused, TokenVerifier, make_token_verifier
from shared.domain.errors import Unavailable
from tests.builders import a_token
from tests.http_server import Answer, Loopback, answering, loopback, response
from tests.keys import ec_key, jwk, jwk_set, key_for, private_pem, rsa_key
from tests.stack import Stack, wait_until

ALGORITHMS = ["RS256", "ES256"]


def publishing(*keys: object) -> Answer:
    return answering(response(jwk_set(*keys)))


@pytest.fixture
def issuer() -> Iterator[Loopback]:
    """Publishes one key of each kind, both named one."""
    with loopback(publishing(jwk(ec_key()), jwk(rsa_key()))) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refreshes follow one another as soon as somebody wants one."""
    monkeypatch.setattr("api.issuer_keys.APART_SECONDS", 0.0)


def verifier_of(url: str, algorithm: str = "RS256") -> TokenVerifier:
    return make_token_verifier(TokenSettings(algorithm, None, None, url, None, None, 10), waiters_max=4)


def token(kid: str | None = "one", *, key: str = "one", algorithm: str = "RS256") -> str:
    return a_token(key=key_for(algorithm, key), algorithm=algorithm, header={"kid": kid} if kid else None)


def outcome(verifier: TokenVerifier, text: str) -> object:
    """The subject, or the kind of the refusal."""
    try:
        return verifier.verify(text)["sub"]
    except (TokenRefused, Unavailable) as error:
        return type(error)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tokens_are_verified_with_the_keys_at_the_address_which_is_asked_once(issuer: Loopback, algorithm: str) -> None:
    verifier = verifier_of(issuer.url(), algorithm)
    for kid in ("one", None):
        assert outcome(verifier, token(kid, algorithm=algorithm)) == "alice"
        assert outcome(verifier, token(kid, key="mallory's", algorithm=algorithm)) is TokenRefused
    assert len(issuer.requests) == 1


def test_invented_key_ids_ask_no_more_often(issuer: Loopback) -> None:
    verifier = verifier_of(issuer.url())
    assert {outcome(verifier, token(f"../{n}")) for n in range(50)} == {TokenRefused}
    assert len(issuer.requests) == 1
    assert issuer.requests[0].startswith(b"GET /keys HTTP")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_rotate_without_a_restart(issuer: Loopback, algorithm: str) -> None:
    verifier = verifier_of(issuer.url(), algorithm)
    old, new = token(algorithm=algorithm), token("two", key="two", algorithm=algorithm)
    assert (outcome(verifier, old), outcome(verifier, new)) == ("alice", TokenRefused)
    issuer.answer = publishing(jwk(key_for(algorithm)), jwk(key_for(algorithm, "two"), "two"))
    assert (outcome(verifier, old), outcome(verifier, new)) == ("alice", "alice")
    issuer.answer = publishing(jwk(key_for(algorithm, "two"), "two"))
    assert outcome(verifier, token("three", algorithm=algorithm)) is TokenRefused
    assert (outcome(verifier, old), outcome(verifier, new)) == (TokenRefused, "alice")


def hanging(until: threading.Event) -> Answer:
    return lambda _connection: until.wait(30)


USELESS: dict[str, Callable[[Loopback], Answer]] = {
    "closes the connection": lambda _: answering(b""),
    "fails": lambda _: answering(response(jwk_set(jwk(rsa_key("two"), "two")), status="500 Oops")),
    "is not JSON": lambda _: answering(response(b"<html>Log in</html>")),
    "is garbage": lambda _: answering(bytes(range(256)) * 9),
    "is huge": lambda _: answering(response(jwk_set(jwk(rsa_key("two"), "two"), " " * BYTES_MAX))),
    "is too deep": lambda _: answering(response(b"[" * 200_000)),
    "has no keys": lambda _: publishing(),
    "has none for us": lambda _: publishing(jwk(ec_key("two"), "two"), jwk(rsa_key("two"), "two", use="enc")),
    "is a private key": lambda _: answering(response(private_pem(rsa_key("two")).encode())),
    "is cut off": lambda _: answering(response(jwk_set(jwk(rsa_key("two"), "two")))[:-1]),
    "leads elsewhere": lambda server: answering(
        response(b"", status="302 Found", headers=f"Location: {server.url('/mallory')}\r\n")
    ),
    "hangs": lambda server: hanging(server.stopping),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_an_answer_that_helps_nobody_changes_nothing_for_known_keys(
    issuer: Loopback, useless: Callable[[Loopback], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.issuer_keys.WAIT_SECONDS", 0.3)
    verifier = verifier_of(issuer.url())
    wait_until(lambda: outcome(verifier, token()) == "alice", "the keys to be there")
    issuer.answer = useless(issuer)
    assert outcome(verifier, token("two", key="two")) is Unavailable
    assert [outcome(verifier, token()) for _ in range(20)] == ["alice"] * 20
    assert not [request for request in issuer.requests if b"mallory" in request]


@pytest.mark.usefixtures("impatient")
def test_an_issuer_that_is_not_there_yet_keeps_no_process_from_starting(issuer: Loopback) -> None:
    good, issuer.answer = issuer.answer, answering(b"")
    verifier = verifier_of(issuer.url())
    assert outcome(verifier, token()) is Unavailable
    assert outcome(verifier, "garbage") is TokenRefused
    issuer.answer = good
    assert outcome(verifier, token()) == "alice"


def test_the_api_as_it_runs_takes_the_tokens_of_its_issuer_and_no_others(issuer: Loopback, stack: Stack) -> None:
    stack.environment |= {
        "JWT_SECRET": "",
        "JWT_ALGORITHM": "ES256",
        "CURSOR_SECRET": "for-cursors-alone",
        "JWT_JWKS_URL": issuer.url(),
        "API_PROCESSES": "1",
    }
    stack.start_api()
    wait_until(lambda: issuer.requests, "the API to ask for the keys unasked")
    ours, other = (token(key=key, algorithm="ES256") for key in ("one", "mallory's"))
    statuses = []
    for text in (ours, other, stack.token()):
        headers = {"Authorization": f"Bearer {text}"}
        statuses.append(httpx.get(f"{stack.url}/v1/orders/none", headers=headers, timeout=30).status_code)
    assert statuses == [404, 401, 401]
    assert len(issuer.requests) == 1
