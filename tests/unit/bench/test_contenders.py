"""What is started of this project for a measurement, and who its customers are."""

from types import SimpleNamespace

import jwt
import pytest

from bench.contenders import ASYNCIO, EXPRESS_MONGOOSE, JWT_SECRET, RATE_LIMIT, SYNCHRONOUS, TUTORIAL, this_project
from bench.ground import Ground
from bench.measure import Spent, kinds_of


@pytest.fixture
def ground() -> Ground:
    broker, cache = (SimpleNamespace(port=port, url=f"redis://127.0.0.1:{port}/0") for port in (1, 2))
    return Ground(broker, broker, cache, port=8000, flower_port=5555)


def test_all_parts_of_make_run_are_started(ground):
    assert list(this_project().commands(ground)) == ["api", "worker", "beat", "flower"]


@pytest.mark.parametrize("peer", [TUTORIAL, SYNCHRONOUS, EXPRESS_MONGOOSE, ASYNCIO], ids=lambda peer: peer.name)
def test_peers_have_a_redis_for_queues_and_one_for_all_else_as_this_project_does(peer, ground):
    ours, theirs = this_project().environment(ground), peer.environment(ground)
    for variable in ("REDIS_BROKER_URL", "REDIS_CACHE_URL"):
        assert theirs[variable] == ours[variable]
    assert theirs["REDIS_BROKER_URL"] != theirs["REDIS_CACHE_URL"]


def test_some_parts_are_started_when_only_they_are_wanted(ground):
    assert list(this_project(parts=["api"]).commands(ground)) == ["api"]


def test_another_worker_has_a_name_of_its_own_and_counts_as_a_worker(ground):
    commands = this_project(workers=2).commands(ground)
    assert "worker@%h" in commands["worker"]
    assert "worker-2@%h" in commands["worker-2"]
    assert kinds_of({"worker": 1, "worker-2": 2, "api": 3}) == {"worker": [1, 2], "api": [3]}


def test_another_api_takes_the_place_of_the_products_and_has_its_metrics(ground):
    env, metrics_port, *command = this_project(api=["other"]).commands(ground)["api"]
    assert (env, metrics_port.partition("=")[0], command) == ("env", "METRICS_PORT", ["other"])


def test_settings_are_changed_by_environment_and_limits_are_never_spent(ground):
    environment = this_project(RATE_LIMIT_ORDERS="off").environment(ground)
    assert (environment["RATE_LIMIT_ORDERS"], environment["RATE_LIMIT_READS"]) == ("off", RATE_LIMIT)


def test_each_customer_has_a_token_of_their_own():
    tokens = [headers["Authorization"].removeprefix("Bearer ") for headers in this_project().callers(3)]
    subjects = {jwt.decode(token, JWT_SECRET, ["HS256"])["sub"] for token in tokens}
    assert len(subjects) == 3


def test_cpu_is_told_in_microseconds_an_order():
    assert Spent({"api": 0.5, "mongod": 0.25}).us_per_order(1_000) == {"cpu_us_api": 500, "cpu_us_mongod": 250}
    assert Spent({"api": 0.5}).us_per_order(0) == {"cpu_us_api": 500_000}
