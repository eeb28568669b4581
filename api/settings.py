"""The settings of the API alone, beside the shared ones. The function below is the whole list."""

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


@dataclass(frozen=True, slots=True)
class ApiSettings:
    shared: Settings
    jwt_secret: str = field(repr=False)
    host: str
    port: int
    processes: int
    threads: int
    body_bytes_max: int
    body_seconds_max: float
    waiters_max: int
    wait_read_seconds: float


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
        # a request that brings next to nothing for this long, and has no answer to wait for, is cut off
        body_seconds_max=env.float("BODY_SECONDS_MAX", 20.0, validate=validate.Range(min=1)),
        # requests that may wait for their orders (Prefer: wait=N) in one process, with threads of their own
        waiters_max=env.int("WAITERS_MAX", 64, validate=validate.Range(min=0, max=1024)),
        # how soon, at first, a waiting request looks by itself while no notices can be heard
        wait_read_seconds=env.float("WAIT_READ_SECONDS", 1.0, validate=validate.Range(min=0.1)),
    )


def _real_secret(secret: str) -> None:
    """Refuses what RFC 7518 section 3.2 refuses, keys shorter than the hash, and what was never meant to be kept."""
    if len(secret.encode()) < JWT_SECRET_BYTES_MIN:
        raise ValidationError(f"Must have {JWT_SECRET_BYTES_MIN} bytes or more: openssl rand -base64 48")
    letters = "".join(filter(str.isalnum, secret.lower()))
    if any(word in letters for word in PLACEHOLDERS) or len(set(secret)) < JWT_SECRET_CHARACTERS_MIN:
        raise ValidationError("Looks like a placeholder; make a real one: openssl rand -base64 48")
