"""The settings of the API alone, beside the shared ones. The function below is the whole list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from environs import FileAwareEnv, ValidationError, validate

from shared.settings import Settings, read_environment, shared_settings

JWT_SECRET_BYTES_MIN = 32
JWT_SECRET_CHARACTERS_MIN = 10
PLACEHOLDERS = (
    "changeme",
    "changethis",
    "replaceme",
    "placeholder",
    "example",
    "yoursecret",
    "supersecret",
    "256bitsecret",
    "todo",
)

RATE_LIMIT_FORM = re.compile(r"[1-9]\d{0,8}/([1-9]\d{0,3})?(second|minute|hour|day)s?")
RATE_LIMIT_OFF = ("", "off")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    shared: Settings
    jwt_secret: str = field(repr=False)
    host: str
    port: int
    processes: int
    threads: int
    body_bytes_max: int
    rate_limits: Mapping[str, str]
    trusted_proxies: int


def load_api_settings() -> ApiSettings:
    """Raises `SettingsInvalid`."""
    return read_environment(_api_settings)


def _api_settings(env: FileAwareEnv) -> ApiSettings:
    positive = validate.Range(min=1)
    return ApiSettings(
        shared=shared_settings(env),
        jwt_secret=env.str("JWT_SECRET", validate=_real_secret),
        host=env.str("API_HOST", "127.0.0.1"),
        port=env.int("API_PORT", 8000, validate=validate.Range(min=1, max=65_535)),
        processes=env.int("API_PROCESSES", 2, validate=positive),
        # requests that one process serves side by side; those that wait for one insert share it
        threads=env.int("API_THREADS", 64, validate=positive),
        body_bytes_max=env.int("BODY_BYTES_MAX", 1_048_576, validate=positive),
        rate_limits=_rate_limits(env),
        # proxies in front, each of which appends to X-Forwarded-For; 0: nobody may say whose address it is
        trusted_proxies=env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10)),
    )


def _rate_limits(env: FileAwareEnv) -> dict[str, str]:
    """By policy, as `api/limits.py` names them; per subject, or per address without a token."""
    return {
        "orders": env.str("RATE_LIMIT_ORDERS", "30000/minute", validate=_rate_limit),
        "reads": env.str("RATE_LIMIT_READS", "120000/minute", validate=_rate_limit),
        "catalogue": env.str("RATE_LIMIT_CATALOGUE", "6000/minute", validate=_rate_limit),
        # requests without a valid token where one is needed, per address
        "unauthorized": env.str("RATE_LIMIT_UNAUTHORIZED", "600/minute", validate=_rate_limit),
    }


def _rate_limit(limit: str) -> None:
    if limit not in RATE_LIMIT_OFF and not RATE_LIMIT_FORM.fullmatch(limit):
        raise ValidationError("Must be like 100/second, 600/minute or 1000/10minutes, or off")


def _real_secret(secret: str) -> None:
    """Refuses what RFC 7518 section 3.2 refuses, keys shorter than the hash, and what was never meant to be kept."""
    if len(secret.encode()) < JWT_SECRET_BYTES_MIN:
        raise ValidationError(f"Must have {JWT_SECRET_BYTES_MIN} bytes or more: openssl rand -base64 48")
    letters = "".join(filter(str.isalnum, secret.lower()))
    if any(word in letters for word in PLACEHOLDERS) or len(set(secret)) < JWT_SECRET_CHARACTERS_MIN:
        raise ValidationError("Looks like a placeholder; make a real one: openssl rand -base64 48")
