"""The settings that api and worker share, read once from the environment. The function below is the whole list.

Every one may also be given as a file: `MONGO_URL_FILE=/run/secrets/mongo-url` (the containers' way to pass secrets).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv, ValidationError, validate

T = TypeVar("T")

DSN = re.compile(r"https?://\w+(:\w+)?@[^/\s]+(/[^\s]*)?/\d+")
"""https://docs.sentry.io/concepts/key-terms/dsn-explainer/"""

HEADERS = re.compile(r"[\w-]+ *=[!-+\--~ ]*(, *[\w-]+ *=[!-+\--~ ]*)*", re.ASCII)
"""Printable, and no comma in a value: https://opentelemetry.io/docs/specs/otel/protocol/exporter/"""


class SettingsInvalid(Exception):
    """Some setting is missing or does not parse; `problems` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """The addresses may hold passwords, so they are left out when the settings are shown."""

    mongo_url: str = field(repr=False)
    redis_broker_url: str = field(repr=False)
    redis_cache_url: str = field(repr=False)
    log_format: str
    metrics_host: str
    metrics_port: int
    otlp_endpoint: str | None
    otlp_headers: str | None = field(repr=False)
    sentry_dsn: str | None = field(repr=False)
    accept_batch_max: int
    decide_batch_max: int
    decide_transactions_max: int
    worker_threads: int
    attempts_max: int
    cache_ttl_seconds: int
    announce_after_seconds: int
    announce_interval_max_seconds: int
    sweep_every_seconds: float
    sweep_batch_max: int


def load_settings() -> Settings:
    """Raises `SettingsInvalid`."""
    return read_environment(shared_settings)


def read_environment(read: Callable[[FileAwareEnv], T], check: Callable[[T], list[str]] = lambda _: []) -> T:
    """What `read` makes of the environment; all that is wrong with it is reported at once.

    `check` says, a line each, how settings do not go together; one that is invalid by itself reaches it as None. The
    messages name the variable and the rule, never the value, which may be a secret.
    """
    env = FileAwareEnv(eager=False, strip_whitespace=True)  # a file's last newline is not part of its value
    try:
        settings = read(env)
    except UnicodeDecodeError:
        raise SettingsInvalid(["A file that a ..._FILE variable names is not UTF-8 text."]) from None
    except ValueError as error:
        # Of a file that can't be read environs complains at once, and names the variable.
        raise SettingsInvalid([str(error)]) from None
    if problems := _invalid(env) + check(settings):
        raise SettingsInvalid(problems)
    return settings


def url_of(*schemes: str) -> Callable[[str], None]:
    def check(url: str) -> None:
        if not url.startswith(schemes):
            raise ValidationError(f"Must start with {' or '.join(schemes)}")

    return check


def or_empty(check: Callable[[str], None]) -> Callable[[str], None]:
    """Empty is not given: that is how a compose file passes on what nobody set."""
    return lambda text: check(text) if text else None


def _collector(url: str) -> None:
    """Without a secret: what can't be reached is logged with its address."""
    if not _is_http(url) or "@" in url or "?" in url or "#" in url:
        raise ValidationError("Must be like http://collector:4318; a key goes into OTEL_EXPORTER_OTLP_HEADERS")


def _headers(text: str) -> None:
    if not HEADERS.fullmatch(text):
        raise ValidationError("Must be like name=value,name=value")


def _dsn(text: str) -> None:
    if not (DSN.fullmatch(text) and _is_http(text)):
        raise ValidationError("Must be like https://key@host/project")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shared_settings(env: FileAwareEnv) -> Settings:
    positive = validate.Range(min=1)
    redis_url = url_of("redis://", "rediss://")
    return Settings(
        mongo_url=env.str("MONGO_URL", validate=url_of("mongodb://", "mongodb+srv://")),
        redis_broker_url=env.str("REDIS_BROKER_URL", validate=redis_url),
        redis_cache_url=env.str("REDIS_CACHE_URL", validate=redis_url),
        # console: for people at a terminal; json: one line an event
        log_format=env.str("LOG_FORMAT", "json", validate=validate.OneOf(["json", "console"])),
        # where this process serves /metrics, which has no password: a port that the world can't reach; 0: nowhere
        metrics_host=env.str("METRICS_HOST", "127.0.0.1"),
        metrics_port=env.int("METRICS_PORT", 0, validate=validate.Range(min=0, max=65_535)),
        # OpenTelemetry's collector, by HTTP; then there are traces
        otlp_endpoint=env.str("OTEL_EXPORTER_OTLP_ENDPOINT", None, validate=or_empty(_collector)) or None,
        # name=value,name=value, sent with each request to it
        otlp_headers=env.str("OTEL_EXPORTER_OTLP_HEADERS", None, validate=or_empty(_headers)) or None,
        # then errors are reported to Sentry
        sentry_dsn=env.str("SENTRY_DSN", None, validate=or_empty(_dsn)) or None,
        # orders in one insert, and in one deciding transaction
        accept_batch_max=env.int("ACCEPT_BATCH_MAX", 500, validate=positive),
        decide_batch_max=env.int("DECIDE_BATCH_MAX", 500, validate=positive),
        # transactions that one worker process has open side by side, for orders that share no product
        decide_transactions_max=env.int("DECIDE_TRANSACTIONS_MAX", 2, validate=validate.Range(min=1, max=16)),
        # messages that one worker process holds at a time
        worker_threads=env.int("WORKER_THREADS", 32, validate=positive),
        # an order that was tried so often in vain is failed
        attempts_max=env.int("ATTEMPTS_MAX", 5, validate=positive),
        # a cached product is never older than this, even when an invalidation was lost
        cache_ttl_seconds=env.int("CACHE_TTL_SECONDS", 30, validate=positive),
        # a pending order is announced again after this long, then after twice as long, and so on
        announce_after_seconds=env.int("ANNOUNCE_AFTER_SECONDS", 10, validate=positive),
        announce_interval_max_seconds=env.int("ANNOUNCE_INTERVAL_MAX_SECONDS", 300, validate=positive),
        sweep_every_seconds=env.float("SWEEP_EVERY_SECONDS", 2.0, validate=validate.Range(min=0.1)),
        sweep_batch_max=env.int("SWEEP_BATCH_MAX", 10_000, validate=positive),
    )


def _invalid(env: FileAwareEnv) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        by_variable = cast("dict[str, list[str]]", error.error_messages)
        return [f"{name}: {' '.join(messages)}" for name, messages in by_variable.items()]
    return []
