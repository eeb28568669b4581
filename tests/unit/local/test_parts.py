"""How the parts of a local system are started, and what they inherit."""

import os
from unittest.mock import patch

from api.settings import load_api_settings
from api.token_settings import TokenSettings
from local.parts import environment_of, programs_of
from local.system import System
from tests.compose_file import command_of

SECRET = "tests-sign-tokens-with-this-9vQ2xK7r"

SYSTEM = System(
    pid=1,
    api_port=8000,
    flower_port=5555,
    metrics_ports={"api": 9100, "worker": 9101, "beat": 9102},
    own_ports={},
    mongo_url="mongodb://127.0.0.1:1",
    redis_broker_url="redis://127.0.0.1:1",
    redis_cache_url="redis://127.0.0.1:1",
    jwt_secret=SECRET,
    flower_password="",
)


def test_flower_shows_and_remembers_what_that_of_compose_does():
    [flower] = [part.command for part in programs_of(SYSTEM) if part.name == "flower"]
    of_its_volume = {"--persistent=True", "--db=/data/flower", "--state_save_interval=10000"}
    assert set(command_of("flower")) - of_its_volume - {"celery"} <= set(flower)
    assert "--address=127.0.0.1" in flower


def test_the_settings_of_another_issuer_in_the_shell_are_not_for_this_system(tmp_path):
    (tmp_path / "key.pem").write_text("key")
    shell = {
        "JWT_ALGORITHM": "RS256",
        "JWT_PUBLIC_KEY_FILE": str(tmp_path / "key.pem"),
        "JWT_JWKS_URL": "https://issuer.test/keys",
        "JWT_ISSUER": "https://issuer.test/",
        "JWT_AUDIENCE": "orders",
    }
    with patch.dict(os.environ, shell | environment_of(SYSTEM), clear=True):
        assert load_api_settings().tokens == TokenSettings("HS256", SECRET, None, None, None, None, 10)
