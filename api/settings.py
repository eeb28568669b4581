"""The settings of the API alone, beside the shared ones. The function below is the whole list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from environs import FileAwareEnv, ValidationError, validate

from api.cors import check_origins
from api.token_settings import ALGORITHMS, MAKE_ONE, TokenSettings, token_problems
from shared.settings import Settings, read_environment, shared_settings

RATE_LIMIT_FORM = re.compile(r"[1-9]\d{0,8}/([1-9]\d{0,3})?(second|minute|hour|day)s?")
RATE_LIMIT_OFF = ("", "off")

MONGO_TIMEOUT_SECONDS_MAX = 4.5
"""A request may wait for the insert before its own, and for its own: both are over before nobody waits any longer
(`ANSWER_SECONDS` in `shared/services/accept_orders.py`).
"""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    shared: Settings
    tokens: TokenSettings
    cursor_secret: str = field(repr=False)
    host: str
    port: int
    processes: int
    threads: int
    cpu_affinity: bool
    mongo_timeout_seconds: float
    body_bytes_max: int
    cors_origins: list[str]
    import_bytes_max: int
    rate_limits: Mapping[str, str]
    trusted_proxies: int
    body_seconds_max: float
    waiters_max: int
    wait_read_seconds: float
    pending_seconds_max: int
    access_log: bool


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
        # each process keeps to one CPU, since Python runs one thread of it at a time
        cpu_affinity=env.bool("API_CPU_AFFINITY", True),
        # the driver tells that it is over up to half a second later
        mongo_timeout_seconds=env.float(
            "API_MONGO_TIMEOUT_SECONDS", 1.4, validate=validate.Range(min=0.5, max=MONGO_TIMEOUT_SECONDS_MAX)
        ),
        body_bytes_max=env.int("BODY_BYTES_MAX", 1_048_576, validate=positive),
        # web pages that may call the API from a browser
        cors_origins=env.list("CORS_ORIGINS", [], validate=check_origins),
        # never held in memory: it bounds how long one request may take
        import_bytes_max=env.int("IMPORT_BYTES_MAX", 268_435_456, validate=positive),
        rate_limits=_rate_limits(env),
        # proxies in front, each of which appends to X-Forwarded-For; 0: nobody may say whose address it is
        trusted_proxies=env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10)),
        # a request that brings next to nothing for this long, and has no answer to wait for, is cut off
        body_seconds_max=env.float("BODY_SECONDS_MAX", 20.0, validate=validate.Range(min=1)),
        # requests that may wait for their orders (Prefer: wait=N) in one process, with threads of their own
        waiters_max=env.int("WAITERS_MAX", 64, validate=validate.Range(min=0, max=1024)),
        # how soon, at first, a waiting request looks by itself while no notices can be heard
        wait_read_seconds=env.float("WAIT_READ_SECONDS", 1.0, validate=validate.Range(min=0.1)),
        # while the oldest pending order has waited for longer, new ones are refused; 0: they never are
        pending_seconds_max=env.int("PENDING_SECONDS_MAX", 0, validate=validate.Range(min=0)),
        # a line in the log for each request
        access_log=env.bool("ACCESS_LOG", False),
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


def _problems(settings: ApiSettings) -> list[str]:
    problems = token_problems(settings.tokens)
    if settings.tokens.algorithm != "HS256" and not settings.cursor_secret:
        problems.append(f"CURSOR_SECRET: Environment variable not set; without a JWT_SECRET it is needed: {MAKE_ONE}")
    if settings.shared.metrics_port == settings.port:
        # Both may be shared by processes, so the kernel would hand each connection to either.
        problems.append(f"METRICS_PORT: Must be another port than API_PORT, which is {settings.port}")
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
