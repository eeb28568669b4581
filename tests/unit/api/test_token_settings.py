"""Which keys and addresses a start is refused for: a line for each, with the way out, and never the value."""

import os
from collections.abc import Iterator, MutableMapping
from unittest.mock import patch

import pytest

from api.settings import load_api_settings
from api.token_settings import TokenSettings
from shared.settings import SettingsInvalid
from tests.builders import ENVIRONMENT, JWT_SECRET
from tests.keys import ec_key, jwk, jwk_set, key_for, pem, private_pem, rsa_key

URL = "https://issuer.test/keys"
SERVERS = {name: value for name, value in ENVIRONMENT.items() if name != "JWT_SECRET"}


@pytest.fixture
def environment() -> Iterator[MutableMapping[str, str]]:
    """All but what tokens need."""
    with patch.dict(os.environ, {**SERVERS, "CURSOR_SECRET": "for-cursors-alone"}, clear=True):
        yield os.environ


def refused() -> list[str]:
    with pytest.raises(SettingsInvalid) as refusal:
        load_api_settings()
    return refusal.value.problems


def names(lines: list[str]) -> list[str]:
    return [line.partition(":")[0] for line in lines]


def test_with_a_secret_alone_tokens_are_hs256_from_anyone_for_anyone(environment):
    environment["JWT_SECRET"] = JWT_SECRET
    assert load_api_settings().tokens == TokenSettings("HS256", JWT_SECRET, None, None, None, None, 10)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_with_a_public_key_no_secret_is_needed(environment, algorithm):
    key = pem(key_for(algorithm)).strip()
    environment |= {"JWT_ALGORITHM": algorithm, "JWT_PUBLIC_KEY": key, "JWT_SECRET": "", "JWT_JWKS_URL": ""}
    assert load_api_settings().tokens == TokenSettings(algorithm, None, key, None, None, None, 10)


def test_without_a_secret_for_tokens_the_cursors_need_one(environment):
    environment |= {"JWT_ALGORITHM": "ES256", "JWT_JWKS_URL": URL}
    assert load_api_settings().cursor_secret == "for-cursors-alone"
    del environment["CURSOR_SECRET"]
    [line] = refused()
    assert line.startswith("CURSOR_SECRET: Environment variable not set")


def test_the_secret_of_the_tokens_signs_cursors_too(environment):
    del environment["CURSOR_SECRET"]
    environment["JWT_SECRET"] = JWT_SECRET
    assert load_api_settings().cursor_secret == JWT_SECRET


def test_a_public_key_may_be_a_file_or_a_single_line(environment, tmp_path):
    key = pem(rsa_key())
    (tmp_path / "key.pem").write_text(key)
    environment |= {"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY_FILE": str(tmp_path / "key.pem")}
    from_file = load_api_settings().tokens.public_key
    del environment["JWT_PUBLIC_KEY_FILE"]
    environment["JWT_PUBLIC_KEY"] = key.replace("\n", "\\n")
    assert from_file == load_api_settings().tokens.public_key.strip() == key.strip()


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://issuer.test:8443/realms/shop/certs?v=1",
        "http://localhost/keys",
        "http://127.0.0.1:8080/keys",
        "http://127.9.9.9/keys",
        "http://[::1]:8080/keys",
    ],
)
def test_with_the_address_of_a_jwk_set_no_key_is_needed(environment, url):
    environment |= {"JWT_ALGORITHM": "ES256", "JWT_JWKS_URL": url}
    assert load_api_settings().tokens == TokenSettings("ES256", None, None, url, None, None, 10)


def test_issuer_audience_and_leeway_are_read(environment):
    environment |= {"JWT_SECRET": JWT_SECRET, "JWT_ISSUER": "https://issuer.test", "JWT_AUDIENCE": "orders"}
    environment["JWT_LEEWAY_SECONDS"] = "0"
    tokens = load_api_settings().tokens
    assert (tokens.issuer, tokens.audience, tokens.leeway_seconds) == ("https://issuer.test", "orders", 0)


@pytest.mark.parametrize(
    ("given", "refused_names"),
    [
        ({}, ["JWT_SECRET"]),
        ({"JWT_ALGORITHM": "RS256"}, ["JWT_PUBLIC_KEY"]),
        ({"JWT_ALGORITHM": "none", "JWT_SECRET": JWT_SECRET}, ["JWT_ALGORITHM"]),
        ({"JWT_ALGORITHM": "rs256"}, ["JWT_ALGORITHM"]),
        ({"JWT_ALGORITHM": "HS512", "JWT_SECRET": JWT_SECRET * 2}, ["JWT_ALGORITHM"]),
        ({"JWT_ALGORITHM": "RS256", "JWT_SECRET": JWT_SECRET}, ["JWT_SECRET", "JWT_PUBLIC_KEY"]),
        ({"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": URL, "JWT_SECRET": JWT_SECRET}, ["JWT_SECRET"]),
        ({"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": URL, "JWT_PUBLIC_KEY": pem(rsa_key())}, ["JWT_PUBLIC_KEY"]),
        ({"JWT_PUBLIC_KEY": pem(rsa_key())}, ["JWT_SECRET", "JWT_PUBLIC_KEY"]),
        ({"JWT_SECRET": JWT_SECRET, "JWT_JWKS_URL": URL}, ["JWT_JWKS_URL"]),
        ({"JWT_SECRET": JWT_SECRET, "JWT_LEEWAY_SECONDS": "-1"}, ["JWT_LEEWAY_SECONDS"]),
        ({"JWT_SECRET": JWT_SECRET, "JWT_LEEWAY_SECONDS": "301"}, ["JWT_LEEWAY_SECONDS"]),
        ({"JWT_SECRET": JWT_SECRET, "JWT_LEEWAY_SECONDS": "0.5"}, ["JWT_LEEWAY_SECONDS"]),
    ],
)
def test_what_is_missing_or_contradicts_is_refused_by_name(environment, given, refused_names):
    environment |= given
    lines = refused()
    assert names(lines) == refused_names
    assert not [value for value in given.values() if len(value) > 8 and value in " ".join(lines)]


def test_it_is_refused_together_with_everything_else(environment):
    environment |= {"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": "ftp://issuer.test", "API_PORT": "0"}
    assert names(refused()) == ["API_PORT", "JWT_JWKS_URL"]


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", private_pem(rsa_key())),
        ("ES256", private_pem(ec_key())),
        ("RS256", pem(rsa_key(bits=1024))),
        ("RS256", pem(ec_key())),
        ("ES256", pem(rsa_key())),
        ("ES256", pem(ec_key(curve="P-384"))),
        ("RS256", JWT_SECRET),
        ("RS256", "{}"),
    ],
)
def test_a_key_that_can_verify_nothing_or_should_be_kept_is_refused_and_not_shown(environment, algorithm, key):
    environment |= {"JWT_ALGORITHM": algorithm, "JWT_PUBLIC_KEY": key}
    [line] = refused()
    assert line.startswith("JWT_PUBLIC_KEY: ")
    assert key.strip() not in line
    assert key.splitlines()[len(key.splitlines()) // 2] not in line


@pytest.mark.parametrize(
    "key",
    [pem(rsa_key()), private_pem(rsa_key()), pem(ec_key()), jwk_set(jwk(rsa_key())).decode()],
    ids=["RSA", "private", "EC", "JWK set"],
)
def test_a_key_is_not_taken_for_a_secret(environment, key):
    environment["JWT_SECRET"] = key
    [line] = refused()
    assert line.startswith("JWT_SECRET: Is a key or certificate, not a secret; set JWT_ALGORITHM to RS256 or ES256")


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.test/keys",
        "http://localhost.issuer.test/keys",
        "http://127.0.0.1.issuer.test/keys",
        "http://10.0.0.1/keys",
        "http://0.0.0.0/keys",
        "http://user:word@localhost/keys",
        "https://user:word@issuer.test/keys",
        "https://localhost@issuer.test/keys",
        "http://localhost\\@issuer.test/keys",
        "file:///etc/passwd",
        "ftp://issuer.test/keys",
        "issuer.test/keys",
        "//issuer.test/keys",
        "https://",
        "https:///keys",
        "https://issuer.test:port/keys",
        "https://issuer.test:99999/keys",
        "https://[::1/keys",
        "https://issuer.test/a b",
        "https://issuer.test/a\nb",
        "https://issuer.test/é",
    ],
)
def test_an_address_that_others_on_the_way_could_answer_for_is_refused_and_not_shown(environment, url):
    environment |= {"JWT_ALGORITHM": "RS256", "JWT_JWKS_URL": url}
    [line] = refused()
    assert line.startswith("JWT_JWKS_URL: ")
    assert "https://" in line or "user" in line
    assert url not in line or url == "https://"


def test_settings_do_not_show_keys(environment):
    environment |= {"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY": pem(rsa_key())}
    assert "BEGIN" not in repr(load_api_settings())
