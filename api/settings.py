"""The settings of the API alone, beside the shared ones. The function below is the whole list."""

from dataclasses import dataclass, field

from environs import FileAwareEnv, validate

from api.cors import check_origins
from api.token_settings import ALGORITHMS, MAKE_ONE, TokenSettings, token_problems
from shared.settings import Settings, read_environment, shared_settings


@dataclass(frozen=True, slots=True)
class ApiSettings:
    shared: Settings
    tokens: TokenSettings
    cursor_secret: str = field(repr=False)
    host: str
    port: int
    processes: int
    threads: int
    body_bytes_max: int
    cors_origins: list[str]
    import_bytes_max: int


def load_api_settings() -> ApiSettings:
    """Raises `SettingsInvalid`."""
    return read_environment(_api_settings, _problems)


def _api_settings(env: FileAwareEnv) -> ApiSettings:
    positive = validate.Range(min=1)
    tokens = _token_settings(env)
    return ApiSettings(
        shared=shared_settings(env),
        tokens=tokens,
        # signs the cursors of lists; the same in every process
        cursor_secret=env.str("CURSOR_SECRET", None) or tokens.secret or "",
        host=env.str("API_HOST", "127.0.0.1"),
        port=env.int("API_PORT", 8000, validate=validate.Range(min=1, max=65_535)),
        processes=env.int("API_PROCESSES", 2, validate=positive),
        # requests that one process serves side by side; those that wait for one insert share it
        threads=env.int("API_THREADS", 64, validate=positive),
        body_bytes_max=env.int("BODY_BYTES_MAX", 1_048_576, validate=positive),
        # web pages that may call the API from a browser
        cors_origins=env.list("CORS_ORIGINS", [], validate=check_origins),
        # never held in memory: it bounds how long one request may take
        import_bytes_max=env.int("IMPORT_BYTES_MAX", 268_435_456, validate=positive),
    )


def _problems(settings: ApiSettings) -> list[str]:
    problems = token_problems(settings.tokens)
    if settings.tokens.algorithm != "HS256" and not settings.cursor_secret:
        problems.append(f"CURSOR_SECRET: Environment variable not set; without a JWT_SECRET it is needed: {MAKE_ONE}")
    return problems


def _token_settings(env: FileAwareEnv) -> TokenSettings:
    """Empty is not given: that is how a compose file passes on what nobody set."""
    return TokenSettings(
        # fixed here, never taken from the token: RFC 8725, section 3.1
        algorithm=env.str("JWT_ALGORITHM", "HS256", validate=validate.OneOf(ALGORITHMS)),
        secret=env.str("JWT_SECRET", None) or None,
        # a PEM in one line, with \n for its line ends, is what some tools can pass on
        public_key=(env.str("JWT_PUBLIC_KEY", None) or "").replace("\\n", "\n") or None,
        jwks_url=env.str("JWT_JWKS_URL", None) or None,
        issuer=env.str("JWT_ISSUER", None) or None,
        audience=env.str("JWT_AUDIENCE", None) or None,
        # clocks differ; more than minutes would keep expired tokens alive
        leeway_seconds=env.int("JWT_LEEWAY_SECONDS", 10, validate=validate.Range(min=0, max=300)),
    )
