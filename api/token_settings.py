"""What may be said about tokens, and the rules that stop a process whose keys would protect nothing.

All pure. A problem names the variable, the rule and the way out, never the value.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidKeyError

from api.public_keys import KeyUnfit, key_from_pem

ALGORITHMS = ("HS256", "RS256", "ES256")

SECRET_BYTES_MIN = 32
SECRET_CHARACTERS_MIN = 10
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

MAKE_ONE = "openssl rand -base64 48"


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """With HS256 there is a secret; with RS256 and ES256 either a public key (PEM) or the address of a JWK set."""

    algorithm: str
    secret: str | None = field(repr=False)
    public_key: str | None = field(repr=False)
    jwks_url: str | None
    issuer: str | None
    audience: str | None
    leeway_seconds: int


def token_problems(tokens: TokenSettings) -> list[str]:
    """A line for each thing that is wrong; empty when tokens can be verified."""
    if tokens.algorithm not in ALGORITHMS:
        return []  # said already, and what is needed depends on it
    symmetric = tokens.algorithm == "HS256"
    found = [
        ("JWT_SECRET", _secret_problem(tokens.secret) if symmetric else _unused(tokens.secret, tokens.algorithm)),
        ("JWT_PUBLIC_KEY", _unused(tokens.public_key, "HS256") if symmetric else _public_key_problem(tokens)),
        ("JWT_JWKS_URL", _unused(tokens.jwks_url, "HS256") if symmetric else _jwks_url_problem(tokens)),
    ]
    return [f"{name}: {problem}" for name, problem in found if problem]


def _unused(value: str | None, algorithm: str) -> str | None:
    return f"Has no use with JWT_ALGORITHM={algorithm}; change that, or unset this" if value else None


def _secret_problem(secret: str | None) -> str | None:
    """Refuses what RFC 7518 section 3.2 refuses, keys shorter than the hash, and what was never meant to be kept."""
    if not secret:
        return f"Environment variable not set; HS256 needs it: {MAKE_ONE}"
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError:
        # What is public would be the secret: whoever has the key could sign (RFC 8725, section 2.1).
        return f"Is a key or certificate, not a secret; set JWT_ALGORITHM to RS256 or ES256, or make one: {MAKE_ONE}"
    if len(secret.encode()) < SECRET_BYTES_MIN:
        return f"Must have {SECRET_BYTES_MIN} bytes or more: {MAKE_ONE}"
    letters = "".join(filter(str.isalnum, secret.lower()))
    if any(word in letters for word in PLACEHOLDERS) or len(set(secret)) < SECRET_CHARACTERS_MIN:
        return f"Looks like a placeholder; make a real one: {MAKE_ONE}"
    return None


def _public_key_problem(tokens: TokenSettings) -> str | None:
    if not tokens.public_key:
        needs = f"{tokens.algorithm} needs it as PEM, or JWT_PUBLIC_KEY_FILE, or JWT_JWKS_URL"
        return None if tokens.jwks_url else f"Environment variable not set; {needs}"
    if tokens.jwks_url:
        return "Contradicts JWT_JWKS_URL, which is set too; unset one of them"
    try:
        key_from_pem(tokens.public_key, tokens.algorithm)
    except KeyUnfit as unfit:
        return str(unfit)
    return None


def _jwks_url_problem(tokens: TokenSettings) -> str | None:
    """Whoever can change what this address answers can sign tokens, so it is asked over TLS or not over a network."""
    url = tokens.jwks_url
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return "Is not a URL; give the address of the issuer's JWK set, https://..."
    if "@" in parts.netloc:
        return "Must have no user and no password in it; a JWK set is public"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return "Must start with https://; http:// will do for localhost, 127.0.0.1 and [::1] alone"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
