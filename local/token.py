"""`make token SUB=alice SCOPE="orders:read orders:write"`: a JWT for the local system, alone on the last line."""

import os
import sys
import time

import jwt

from api.auth import SCOPES
from local.data_dir import DataDir
from local.errors import LocalError, NoSystem
from local.settings import LocalSettings, load_local_settings
from local.system import last_system, refuse_other_port
from local.terminal import complain
from shared.settings import SettingsInvalid

DEFAULT_SCOPE = "orders:read orders:write"
DEFAULT_SECONDS = 12 * 3600


def make_token(secret: str, subject: str, scope: str, seconds: int = DEFAULT_SECONDS) -> str:
    now = int(time.time())
    claims = {"sub": subject, "scope": scope, "iat": now, "exp": now + seconds}
    return jwt.encode(claims, secret, algorithm="HS256")


def find_secret(settings: LocalSettings) -> str:
    """The secret given, else that of the system which runs or ran last in DATA_DIR. Raises `NoSystem`."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret
    system = last_system(DataDir(settings.data_dir))
    if system is None:
        raise NoSystem(
            f"no system was started in {settings.data_dir} (DATA_DIR): start one with `make run`, "
            "or set JWT_SECRET to that of the system the token is for"
        )
    refuse_other_port(system, settings)
    return system.jwt_secret


def main() -> int:
    subject = os.environ.get("SUB") or "alice"
    scope = os.environ.get("SCOPE") or DEFAULT_SCOPE
    try:
        secret = find_secret(load_local_settings())
        seconds = int(os.environ.get("TTL") or DEFAULT_SECONDS)
    except ValueError:
        complain("make token: TTL must be a number of seconds")
    except (LocalError, SettingsInvalid) as error:
        complain(f"make token: {error}")
    else:
        if unknown := set(scope.split()) - SCOPES.keys():
            complain(f"make token: no route asks for {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}")
        complain(f"sub: {subject}, scope: {scope}, good for {seconds / 3600:g} h")
        print(make_token(secret, subject, scope, seconds))
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
