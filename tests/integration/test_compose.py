"""docker-compose.yml and the images behind it, as far as they can be checked without a container engine.

The files are read, and the services of ours run as written: their commands, their environment, their health checks,
with the packages that their image has; only addresses and ports are those of the test's servers.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pymongo.database import Database

from local.ports import free_port
from local.processes import die_with_parent
from local.servers import Server
from shared.store.connection import Document
from tests.compose_file import (
    FILE,
    GIVEN,
    IMAGES,
    OURS,
    OVERRIDE,
    PROJECT,
    VARIABLE,
    command_of,
    health_check_of,
    image_of,
    services,
    services_of,
)
from tests.scrape import read_metrics
from tests.stack import Stack, wait_until

NOT_NEEDED = {
    "CORS_ORIGINS",
    "CURSOR_SECRET",
    "JWT_PUBLIC_KEY",
    "JWT_JWKS_URL",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "GRAFANA_PASSWORD",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "SENTRY_DSN",
    "SENTRY_RELEASE",
}
"""With the algorithm and the profile that are the default."""

SERVERS = {"mongo", "redis-broker", "redis-cache"}
OF_PROFILES = {"demo": "demo", "prometheus": "observability", "grafana": "observability"}
METRICS = {"api": "9100", "worker": "9101", "beat": "9102"}
MUG = {"sku": "MUG-01", "name": "Mug", "price": {"amount": 12500, "currency": "IDR"}, "stock": 1}


def options_of(service: str) -> dict[str, str]:
    """`--name value` of the service's command."""
    words = command_of(service)[1:]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_the_services_are_known_to_these_tests() -> None:
    assert set(services()) == OURS | SERVERS | set(OF_PROFILES)
    assert {name: spec["profiles"] for name, spec in services().items() if "profiles" in spec} == {
        name: [profile] for name, profile in OF_PROFILES.items()
    }
    assert {services()[name]["image"] for name in OURS} == set(IMAGES)
    built = {spec["image"]: spec["build"]["dockerfile"] for spec in services().values() if "build" in spec}
    assert built == IMAGES


def test_the_example_of_env_names_every_variable_with_its_default_and_the_secrets_empty() -> None:
    lines = (PROJECT / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    optional = {match["name"]: "" for line in lines if (match := re.fullmatch(r"#(?P<name>[A-Z_]+)=", line))}
    variables = VARIABLE.finditer(FILE + OVERRIDE)
    assert given.pop("COMPOSE_FILE") == "docker-compose.yml", "the override is for development"
    expected = {match["name"]: match["text"] if match["kind"] == "-" else "" for match in variables}
    assert given | optional == expected
    assert {name for name, value in given.items() if not value} == set(GIVEN)
    assert set(optional) == NOT_NEEDED


def test_no_variable_is_used_without_a_default_or_a_refusal() -> None:
    of_shells = FILE.count("$${")
    assert (FILE + OVERRIDE).count("${") == len(VARIABLE.findall(FILE + OVERRIDE)) + of_shells


@pytest.mark.parametrize("service", sorted(OURS))
def test_ours_wait_until_the_servers_are_healthy(service: str) -> None:
    assert services()[service]["depends_on"] == {server: {"condition": "service_healthy"} for server in SERVERS}


@pytest.mark.parametrize("service", sorted(OURS))
def test_ours_run_without_privileges(service: str) -> None:
    spec = services()[service]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image_of(IMAGES[spec["image"]]).user)
    assert spec["read_only"] is True
    assert spec["cap_drop"] == ["ALL"]
    assert spec["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", sorted(OURS | SERVERS | set(OF_PROFILES) - {"demo"}))
def test_every_service_has_a_health_check_and_comes_back(service: str) -> None:
    assert health_check_of(service)
    assert services()[service]["restart"] == "unless-stopped"


def test_only_what_people_look_at_is_published_and_on_loopback_only() -> None:
    ports = {name: spec["ports"] for name, spec in services().items() if "ports" in spec}
    assert ports == {
        "api": ["127.0.0.1:8000:8000"],
        "flower": ["127.0.0.1:5555:5555"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_for_development_the_servers_are_published_on_loopback_too_and_our_code_is_that_of_the_folder() -> None:
    override = services_of(OVERRIDE)
    ports = {name: spec["ports"] for name, spec in override.items() if "ports" in spec}
    assert set(ports) == SERVERS
    assert all(port.startswith("127.0.0.1:") for [port] in ports.values())
    code = {name: spec["volumes"] for name, spec in override.items() if "volumes" in spec}
    assert code == {
        name: [f"./{package}:/app/{package}:ro" for package in ("api" if name == "api" else "worker", "shared")]
        for name in OURS
    }
    watched = {
        name: [watch["path"] for watch in spec["develop"]["watch"]] for name, spec in override.items() if name in code
    }
    assert all({volume.split(":")[0] for volume in code[name]} <= set(paths) for name, paths in watched.items())


def test_what_is_mounted_is_there() -> None:
    mounted = {volume.split(":")[0] for spec in services().values() for volume in spec.get("volumes", ())}
    files = {path for path in mounted if path.startswith("./")}
    assert files == {"./deploy/smoke.py", "./deploy/prometheus", "./deploy/grafana", "./deploy/grafana/provisioning"}
    assert (PROJECT / "deploy/smoke.py").is_file()
    assert mounted - files == set(yaml.safe_load(FILE)["volumes"])


def test_grafana_asks_prometheus_and_finds_its_dashboards_where_they_are_mounted() -> None:
    folder = PROJECT / "deploy/grafana/provisioning"
    [source] = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((folder / "dashboards/order-processor.yml").read_text())["providers"]
    assert f"./deploy/grafana:{provider['options']['path']}:ro" in services()["grafana"]["volumes"]


def test_each_part_serves_its_metrics_on_a_port_of_its_own() -> None:
    ports = {
        name: str(spec["environment"].get("METRICS_PORT", "")) for name, spec in services().items() if name in OURS
    }
    assert ports == METRICS | {"flower": ""}


def test_what_flower_remembers_is_on_a_volume_of_its_user_and_bounded() -> None:
    command = command_of("flower")
    assert {"--persistent=True", "--db=/data/flower", "--max_tasks=10000"} <= set(command)
    assert services()["flower"]["volumes"] == ["flower:/data"]
    assert "install --directory --owner app --group app /data" in (PROJECT / "Dockerfile.worker").read_text()


@pytest.mark.parametrize(("password", "status"), [("", 2), ("s3cret", 0)])
def test_grafana_does_not_start_without_a_password(password: str, status: int) -> None:
    script = services()["grafana"]["entrypoint"][-1].replace("$$", "$").replace("/run.sh", "true")
    environment = {"PATH": os.defpath, "GF_SECURITY_ADMIN_PASSWORD": password}
    assert subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True).returncode == status


def test_workers_can_be_scaled() -> None:
    assert not {"container_name", "ports", "hostname"} & set(services()["worker"])


def test_the_broker_loses_nothing_and_the_cache_makes_room() -> None:
    broker, product_cache = options_of("redis-broker"), options_of("redis-cache")
    assert (broker["--maxmemory-policy"], broker["--appendonly"]) == ("noeviction", "yes")
    assert services()["redis-broker"]["volumes"] == ["redis-broker:/data"]
    assert (product_cache["--maxmemory-policy"], product_cache["--appendonly"]) == ("allkeys-lru", "no")
    assert "--maxmemory" in product_cache


def test_mongod_is_a_replica_set_of_one_under_the_name_that_clients_use() -> None:
    command = command_of("mongo")
    assert {"--replSet=rs0", "--setParameter=transactionLifetimeLimitSeconds=10"} <= set(command)
    assert "{_id: 'rs0', members: [{_id: 0, host: 'mongo:27017'}]}" in health_check_of("mongo")[-1]
    assert services()["mongo"]["volumes"] == ["mongo:/data/db"]
    for service in OURS:
        assert services()[service]["environment"]["MONGO_URL"].endswith("mongo:27017/order_processor?replicaSet=rs0")


class Place:
    """Where the services run in the test: a folder for each image, and other addresses than in the compose file."""

    def __init__(self, directory: Path, addresses: dict[str, str]) -> None:
        self._directory = directory
        self._addresses = addresses
        for image, dockerfile in IMAGES.items():
            (directory / image).mkdir()
            for package in image_of(dockerfile).packages:
                (directory / image / package).symlink_to(PROJECT / package)

    @contextmanager
    def running(self, service: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self._directory / f"{service}.log").open("wb") as log:
            options = self._options(service) | {"stdout": log, "stderr": log, "preexec_fn": die_with_parent()}
            process = subprocess.Popen(self._moved(command_of(service)), **options)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)

    def run(self, service: str) -> subprocess.CompletedProcess[str]:
        """To its end."""
        command = self._moved(command_of(service))
        return subprocess.run(
            command, **self._options(service), capture_output=True, text=True, timeout=120, check=False
        )

    def is_healthy(self, service: str) -> bool:
        command = self._moved(health_check_of(service))
        options = self._options(service)
        return subprocess.run(command, **options, capture_output=True, timeout=20, check=False).returncode == 0

    def _options(self, service: str) -> dict[str, Any]:
        spec = services()[service]
        environment = {name: self._move(str(value)) for name, value in spec["environment"].items()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
        return {"cwd": self._directory / spec["image"], "env": {"PATH": path, **environment}}

    def _moved(self, words: list[str]) -> list[str]:
        return [self._move(word) for word in words]

    def _move(self, text: str) -> str:
        """Whole words only: a secret may well have digits that look like a port."""
        known = "|".join(map(re.escape, self._addresses))
        return re.sub(rf"(?<![\w-])({known})(?![\w-])", lambda match: self._addresses[match[0]], text)


@pytest.fixture
def addresses(mongo_url: str, broker_url: str, redis_cache: Server, stack: Stack, tmp_path: Path) -> dict[str, str]:
    return {
        "mongodb://mongo:27017/order_processor?replicaSet=rs0": mongo_url,
        "redis://redis-broker:6379/0": broker_url,
        "redis://redis-cache:6379/0": redis_cache.url,
        "0.0.0.0": "127.0.0.1",
        "8000": str(stack.port),
        "5555": str(free_port()),
        **{port: str(free_port()) for port in METRICS.values()},
        "http://api": "http://127.0.0.1",
        "/demo": str(PROJECT / "deploy"),
        "/data": str(tmp_path),
    }


def test_the_services_as_written_become_healthy_and_decide_an_order(
    addresses: dict[str, str], stack: Stack, database: Database[Document], tmp_path: Path
) -> None:
    place = Place(tmp_path, addresses)
    with ExitStack() as exit_stack:
        processes = {service: exit_stack.enter_context(place.running(service)) for service in sorted(OURS)}
        for service, process in processes.items():
            wait_until(partial(place.is_healthy, service), f"{service} to be healthy", process, limit=60)

        with stack.client() as client:
            client.post("/v1/products", json=MUG).raise_for_status()
            order = client.post("/v1/orders", json={"items": [{"sku": "MUG-01", "quantity": 1}]})
            assert order.status_code == httpx.codes.ACCEPTED
            stack.wait_until_decided()
            assert client.get(order.headers["Location"]).json()["status"] == "confirmed"
        assert database.products.find_one({"_id": "MUG-01"})["stock"] == 0

        for service, port in METRICS.items():
            assert read_metrics(f"http://127.0.0.1:{addresses[port]}/metrics").samples, service

        flower = f"http://127.0.0.1:{addresses['5555']}/workers"
        assert httpx.get(flower).status_code == httpx.codes.UNAUTHORIZED
        assert httpx.get(flower, auth=("admin", "wrong")).status_code == httpx.codes.UNAUTHORIZED
        assert httpx.get(flower, auth=("admin", GIVEN["FLOWER_PASSWORD"])).status_code == httpx.codes.OK

        demo = place.run("demo")
        assert demo.returncode == 0, demo.stdout + demo.stderr
        assert "100 buyers at once for the last unit: 1 confirmed, 99 rejected" in demo.stdout
    assert list(tmp_path.glob("flower.*")), "Flower remembers what it has seen"


def test_no_service_is_healthy_before_it_runs(addresses: dict[str, str], tmp_path: Path) -> None:
    place = Place(tmp_path, addresses)
    assert not [service for service in sorted(OURS) if place.is_healthy(service)]
