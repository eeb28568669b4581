"""The shared settings: defaults, and refusals with a line for each that never show a value."""

import os
from collections.abc import Iterator, MutableMapping
from unittest.mock import patch

import pytest

from shared.settings import Settings, SettingsInvalid, load_settings

REQUIRED = {
    "MONGO_URL": "mongodb://db/orders",
    "REDIS_BROKER_URL": "redis://broker",
    "REDIS_CACHE_URL": "redis://cache",
}


@pytest.fixture
def environment() -> Iterator[MutableMapping[str, str]]:
    """The environment that the settings are read from; tests change it."""
    with patch.dict(os.environ, REQUIRED, clear=True):
        yield os.environ


def refused() -> list[str]:
    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()
    return refusal.value.problems


@pytest.mark.usefixtures("environment")
def test_all_but_the_addresses_has_a_default():
    assert load_settings() == Settings(
        mongo_url="mongodb://db/orders",
        redis_broker_url="redis://broker",
        redis_cache_url="redis://cache",
        log_format="json",
        metrics_host="127.0.0.1",
        metrics_port=0,
        otlp_endpoint=None,
        otlp_headers=None,
        sentry_dsn=None,
        accept_batch_max=500,
        decide_batch_max=500,
        decide_transactions_max=2,
        worker_threads=32,
        attempts_max=5,
        cache_ttl_seconds=30,
        announce_after_seconds=10,
        announce_interval_max_seconds=300,
        sweep_every_seconds=2.0,
        sweep_batch_max=10_000,
    )


def test_every_missing_address_is_reported_at_once(environment):
    environment.clear()
    assert sorted(refused()) == [
        "MONGO_URL: Environment variable not set.",
        "REDIS_BROKER_URL: Environment variable not set.",
        "REDIS_CACHE_URL: Environment variable not set.",
    ]


def test_missing_and_unparsable_ones_are_reported_together(environment):
    del environment["MONGO_URL"]
    environment |= {"WORKER_THREADS": "many", "LOG_FORMAT": "xml"}
    assert sorted(line.partition(":")[0] for line in refused()) == ["LOG_FORMAT", "MONGO_URL", "WORKER_THREADS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URL", "http://marker"),
        ("REDIS_BROKER_URL", "marker"),
        ("REDIS_CACHE_URL", "amqp://marker"),
        ("LOG_FORMAT", "marker"),
        ("ACCEPT_BATCH_MAX", "0"),
        ("DECIDE_BATCH_MAX", "-1"),
        ("DECIDE_TRANSACTIONS_MAX", "0"),
        ("DECIDE_TRANSACTIONS_MAX", "17"),
        ("WORKER_THREADS", "1.5"),
        ("CACHE_TTL_SECONDS", ""),
        ("ANNOUNCE_AFTER_SECONDS", "marker"),
        ("ANNOUNCE_INTERVAL_MAX_SECONDS", "0"),
        ("SWEEP_EVERY_SECONDS", "0"),
        ("SWEEP_EVERY_SECONDS", "nan"),
        ("SWEEP_EVERY_SECONDS", "inf"),
        ("SWEEP_BATCH_MAX", "1e3"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "marker:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:marker"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:marker@collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=marker"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "marker"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer\nmarker"),
        ("SENTRY_DSN", "https://marker/1"),
        ("SENTRY_DSN", "https://key@marker"),
        ("SENTRY_DSN", "https://key@marker:abc/1"),
        ("SENTRY_DSN", "https://key@marker:99999999/1"),
        ("SENTRY_DSN", "https://key@:80/1"),
        ("SENTRY_DSN", "https://key:marker@[::1/1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_not_shown(environment, name, value):
    environment[name] = value
    [line] = refused()
    assert line.startswith(f"{name}: ")
    assert "marker" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URL", "mongodb+srv://db/orders"),
        ("REDIS_CACHE_URL", "rediss://cache"),
        ("LOG_FORMAT", "console"),
        ("SENTRY_DSN", "https://key@sentry.example:8443/prefix/12"),
    ],
)
def test_other_values_that_fit_are_taken(environment, name, value):
    environment[name] = value
    assert getattr(load_settings(), name.lower()) == value


@pytest.mark.parametrize("headers", ["authorization=Bearer%20k3y==", "a=1,b = 2, c=", "x-key=%2C"])
def test_headers_for_the_collector_are_names_and_values(environment, headers):
    environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector/base", "OTEL_EXPORTER_OTLP_HEADERS": headers}
    settings = load_settings()
    assert (settings.otlp_endpoint, settings.otlp_headers) == ("https://collector/base", headers)
    assert headers not in repr(settings)


def test_a_value_may_be_given_as_a_file(environment, tmp_path):
    (tmp_path / "mongo-url").write_text("mongodb://from-file/orders")
    environment["MONGO_URL_FILE"] = str(tmp_path / "mongo-url")
    assert load_settings().mongo_url == "mongodb://from-file/orders"


def test_the_newline_at_the_end_of_a_file_is_not_part_of_the_value(environment, tmp_path):
    (tmp_path / "mongo-url").write_text("mongodb://from-file/orders\n")
    environment["MONGO_URL_FILE"] = str(tmp_path / "mongo-url")
    assert load_settings().mongo_url == "mongodb://from-file/orders"


def test_a_file_that_is_not_there_is_refused_by_name(environment, tmp_path):
    environment["MONGO_URL_FILE"] = str(tmp_path / "nothing")
    assert refused() == ["The value of MONGO_URL_FILE must be a readable file path."]


def test_a_file_that_is_not_text_is_refused(environment, tmp_path):
    (tmp_path / "mongo-url").write_bytes(b"\xff\xfe")
    environment["MONGO_URL_FILE"] = str(tmp_path / "mongo-url")
    assert refused() == ["A file that a ..._FILE variable names is not UTF-8 text."]


def test_settings_do_not_show_addresses_which_may_hold_passwords(environment):
    environment["MONGO_URL"] = "mongodb://user:hunter2@db/orders"
    assert "hunter2" not in repr(load_settings())
