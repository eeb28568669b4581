"""The API's settings, above all a secret that is one."""

import os
from collections.abc import Iterator, MutableMapping
from typing import get_args
from unittest.mock import patch

import pytest

from api.limits import Policy, _parsed
from api.settings import load_api_settings
from shared.settings import SettingsInvalid
from tests.builders import ENVIRONMENT, JWT_SECRET

REAL = "9vQ2xK7rTbL0-9vQ2xK7rTbL0-9vQ2xK"

LIMITS = ["1/second", "100/seconds", "600/minute", "1000/10minutes", "5/2hour", "1/day", "999999999/day", "off", ""]
NO_LIMITS = ["0/minute", "-1/minute", "600", "600/", "/minute", "600/0minutes", "1.5/second", "600/fortnight", "none",
             "5/minute;10/hour", "600/minute\n5", "1000000000/day", "600 per minute"]  # fmt: skip


@pytest.fixture
def environment() -> Iterator[MutableMapping[str, str]]:
    with patch.dict(os.environ, ENVIRONMENT, clear=True):
        yield os.environ


def refused() -> list[str]:
    with pytest.raises(SettingsInvalid) as refusal:
        load_api_settings()
    return refusal.value.problems


@pytest.mark.usefixtures("environment")
def test_all_but_the_addresses_and_the_secret_has_a_default():
    settings = load_api_settings()
    assert settings.tokens.secret == JWT_SECRET
    assert (settings.host, settings.port, settings.processes, settings.threads) == ("127.0.0.1", 8000, 2, 64)
    assert settings.body_bytes_max == 1_048_576
    assert (settings.body_seconds_max, settings.waiters_max, settings.wait_read_seconds) == (20, 64, 1)


def test_what_is_missing_is_reported_together_with_the_shared_settings(environment):
    environment.clear()
    assert sorted(line.partition(":")[0] for line in refused()) == [
        "JWT_SECRET",
        "MONGO_URL",
        "REDIS_BROKER_URL",
        "REDIS_CACHE_URL",
    ]


@pytest.mark.parametrize(
    "secret",
    [
        "",
        REAL[:-1],
        "a" * 64,
        "abcabcabcabcabcabcabcabcabcabcabcabc",
        f"change-me-{REAL}",
        f"CHANGE_THIS_{REAL}",
        f"replace me {REAL}",
        f"your-secret-{REAL}",
        f"{REAL}-for-example",
    ],
)
def test_a_short_or_invented_secret_is_refused_and_not_shown(environment, secret):
    environment["JWT_SECRET"] = secret
    [line] = refused()
    assert line.startswith("JWT_SECRET: ")
    assert "openssl rand -base64 48" in line
    assert not secret or secret not in line


def test_a_secret_of_32_bytes_is_long_enough(environment):
    environment["JWT_SECRET"] = REAL
    assert load_api_settings().tokens.secret == REAL


def test_the_secret_may_be_given_as_a_file_whose_last_newline_is_not_part_of_it(environment, tmp_path):
    (tmp_path / "jwt").write_text(f"{JWT_SECRET}\n")
    environment |= {"JWT_SECRET_FILE": str(tmp_path / "jwt"), "JWT_SECRET": ""}
    assert load_api_settings().tokens.secret == JWT_SECRET


@pytest.mark.usefixtures("environment")
def test_settings_do_not_show_the_secret():
    assert JWT_SECRET not in repr(load_api_settings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_PORT", "0"),
        ("API_PORT", "65536"),
        ("API_PROCESSES", "0"),
        ("API_THREADS", "none"),
        ("BODY_BYTES_MAX", "0"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        *(("RATE_LIMIT_ORDERS", limit) for limit in NO_LIMITS),
        ("RATE_LIMIT_READS", "many"),
        ("RATE_LIMIT_CATALOGUE", "many"),
        ("RATE_LIMIT_UNAUTHORIZED", "many"),
        ("BODY_SECONDS_MAX", "0.5"),
        ("API_MONGO_TIMEOUT_SECONDS", "0.4"),
        ("API_MONGO_TIMEOUT_SECONDS", "4.6"),
        ("WAITERS_MAX", "-1"),
        ("WAITERS_MAX", "1025"),
        ("WAIT_READ_SECONDS", "0"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(environment, name, value):
    environment[name] = value
    [line] = refused()
    assert line.startswith(f"{name}: ")


@pytest.mark.parametrize("limit", LIMITS)
def test_a_rate_limit_is_so_many_in_a_time_or_off(environment, limit):
    environment["RATE_LIMIT_ORDERS"] = limit
    assert load_api_settings().rate_limits["orders"] == limit
    parsed = _parsed(limit)
    assert (parsed is None) == (limit in ("", "off"))
    assert parsed is None or parsed.amount == int(limit.partition("/")[0])


@pytest.mark.usefixtures("environment")
def test_every_limit_has_a_default_and_no_proxy_is_trusted():
    settings = load_api_settings()
    assert set(settings.rate_limits) == set(get_args(Policy))
    assert not set(settings.rate_limits.values()) & {"", "off"}
    assert settings.trusted_proxies == 0


def test_clients_and_prometheus_on_one_port_are_refused_for_the_kernel_would_split_them_at_random(environment):
    environment |= {"API_PORT": "9100", "METRICS_PORT": "9100"}
    assert refused() == ["METRICS_PORT: Must be another port than API_PORT, which is 9100"]
