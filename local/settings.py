"""What may be said about a local system, all by environment. The function below is the whole list."""

from dataclasses import dataclass
from pathlib import Path

from environs import FileAwareEnv, ValidationError, validate

from shared.settings import read_environment


@dataclass(frozen=True, slots=True)
class LocalSettings:
    data_dir: Path
    api_port: int
    flower_port: int
    mongo_url: str | None
    redis_broker_url: str | None
    redis_cache_url: str | None
    jwt_secret: str | None


def load_local_settings() -> LocalSettings:
    """Raises `SettingsInvalid`."""
    return read_environment(_local)


def _local(env: FileAwareEnv) -> LocalSettings:
    port = validate.Range(min=1, max=65535)
    return LocalSettings(
        data_dir=Path(env.str("DATA_DIR", ".local", validate=_fit_for_supervisor) or ".local").absolute(),
        api_port=env.int("API_PORT", 8000, validate=port),
        flower_port=env.int("FLOWER_PORT", 5555, validate=port),
        # a server is started for each of these that is not given
        mongo_url=env.str("MONGO_URL", None) or None,
        redis_broker_url=env.str("REDIS_BROKER_URL", None) or None,
        redis_cache_url=env.str("REDIS_CACHE_URL", None) or None,
        # generated and kept in DATA_DIR when not given
        jwt_secret=env.str("JWT_SECRET", None) or None,
    )


def _fit_for_supervisor(path: str) -> None:
    """It expands % twice in the names of log files, and takes the rest for the start of a comment."""
    if any(mark in path for mark in ("%", " ;", " #", "\n")):
        raise ValidationError("Must have no '%', ' ;', ' #' or line's end: supervisor can't take it")
