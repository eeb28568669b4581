"""deploy/kubernetes runs the same as docker-compose.yml: commands, settings, health, without privileges."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate

from tests.compose_file import IMAGES, OURS, command_of, health_check_of, image_of, services
from tests.unit.docs.test_settings_document import settings_in_code

FOLDER = Path("deploy/kubernetes")
DOCUMENT = Path("docs/deploy-kubernetes.md").read_text()

OF_OTHERS = {"FLOWER_BASIC_AUTH", "METRICS_HOST", "METRICS_PORT", "OTEL_EXPORTER_OTLP_HEADERS"}
"""Flower's own, those of the metrics, and OpenTelemetry's."""

Manifest = dict[str, Any]


@cache
def manifests() -> dict[tuple[str, str], Manifest]:
    found = [document for path in sorted(FOLDER.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())]
    return {(one["kind"], one["metadata"]["name"]): one for one in found if one["kind"] != "Kustomization"}


def kustomization(folder: Path = FOLDER) -> Manifest:
    return dict(yaml.safe_load((folder / "kustomization.yaml").read_text()))


def pod_of(name: str) -> Manifest:
    return dict(manifests()["Deployment", name]["spec"]["template"]["spec"])


def container_of(name: str) -> Manifest:
    [container] = pod_of(name)["containers"]
    return dict(container)


def settings() -> dict[str, str]:
    lines = (FOLDER / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "autoscaling"])
def test_every_file_is_one_that_kustomize_takes(folder: Path) -> None:
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization(folder)["resources"]) == files
    assert [entry["name"] for entry in kustomization()["images"]] == list(IMAGES)
    assert kustomization()["configMapGenerator"] == [{"name": "settings", "envs": ["settings.env"]}]


def test_there_is_a_deployment_for_each_of_ours() -> None:
    assert {name for kind, name in manifests() if kind == "Deployment"} == OURS
    assert manifests()["Deployment", "beat"]["spec"]["replicas"] == 1


@pytest.mark.parametrize("name", sorted(OURS))
def test_it_runs_what_compose_runs(name: str) -> None:
    container = container_of(name)
    assert container["image"] == services()[name]["image"]
    assert container.get("command", image_of(IMAGES[container["image"]]).command) == command_of(name)
    grace = services()[name].get("stop_grace_period", "10s")
    assert pod_of(name)["terminationGracePeriodSeconds"] >= int(grace.removesuffix("s"))


@pytest.mark.parametrize("name", sorted(OURS))
def test_it_runs_without_privileges_on_a_file_system_that_it_can_only_read(name: str) -> None:
    pod, container = pod_of(name), container_of(name)
    user, group = map(int, image_of(IMAGES[container["image"]]).user.split(":"))
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "fsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {"requests", "limits"} == set(container["resources"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_a_setting_and_every_secret_one_that_the_document_has_made(name: str) -> None:
    made = set(re.findall(r"--from-literal=([A-Z_]+)=", DOCUMENT))
    known = settings_in_code().keys() | OF_OTHERS
    given = container_of(name)["env"]
    secrets = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in given if "valueFrom" in entry}
    assert {entry["name"] for entry in given} <= known
    assert {"MONGO_URL", "REDIS_BROKER_URL", "REDIS_CACHE_URL"} <= secrets.keys()
    assert secrets.keys() | settings().keys() <= known
    assert all(secret["key"] == variable for variable, secret in secrets.items())
    assert {variable for variable, secret in secrets.items() if not secret.get("optional")} <= made
    assert {"name": "order-processor"}.items() <= secrets["MONGO_URL"].items()


def test_no_service_sets_a_variable_that_is_a_setting() -> None:
    """As API_PORT=tcp://10.0.0.7:80, which Kubernetes does for a service by the name of `api`."""
    assert {pod_of(name)["enableServiceLinks"] for name in OURS} == {False}


def test_who_has_no_use_for_a_secret_does_not_have_it() -> None:
    holders = {name for name in OURS for entry in container_of(name)["env"] if entry["name"] == "JWT_SECRET"}
    assert holders == {"api"}


def test_a_worker_is_ready_when_its_image_would_call_it_healthy_and_nothing_restarts_it_for_that() -> None:
    worker = container_of("worker")
    assert worker["readinessProbe"]["exec"]["command"] == health_check_of("worker")
    assert "livenessProbe" not in worker
    assert "livenessProbe" not in container_of("beat")


def test_the_apis_liveness_asks_nobody_else() -> None:
    probes = {kind: container_of("api")[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")}
    assert probes == {"liveness": "/livez", "readiness": "/readyz"}


def test_ports_are_those_of_the_settings_and_policies_let_them_in() -> None:
    ports = {(name, port["name"]): port["containerPort"] for name in OURS for port in container_of(name)["ports"]}
    assert ports["api", "http"] == int(settings()["API_PORT"])
    for name in OURS - {"flower"}:
        assert services()[name]["environment"]["METRICS_PORT"] == ports[name, "metrics"]
        assert {"name": "METRICS_PORT", "value": str(ports[name, "metrics"])} in container_of(name)["env"]
    assert _let_in("callers-to-api") == {ports["api", "http"]}
    assert _let_in("prometheus-to-metrics") == set(range(9100, 9103))
    assert manifests()["NetworkPolicy", "nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_flower_is_reached_from_inside_only() -> None:
    """Its /metrics and /healthcheck ask for no password (tests/integration/test_flower.py)."""
    [port] = [port["containerPort"] for port in container_of("flower")["ports"]]
    policies = [name for kind, name in manifests() if kind == "NetworkPolicy"]
    let_in = {name: _let_in(name) for name in policies if manifests()["NetworkPolicy", name]["spec"].get("ingress")}
    assert let_in.keys() == {"callers-to-api", "prometheus-to-metrics"}
    assert not [name for name, ports in let_in.items() if port in ports]
    assert manifests()["Service", "flower"]["spec"].get("type", "ClusterIP") == "ClusterIP"
    assert not [kind for kind, _ in manifests() if kind in ("Ingress", "Gateway", "HTTPRoute")]


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_budget_lets_go_of_one_at_a_time_and_of_the_right_ones(name: str) -> None:
    budget = manifests()["PodDisruptionBudget", name]["spec"]
    assert (budget["maxUnavailable"], budget["selector"]) == (1, manifests()["Deployment", name]["spec"]["selector"])


def test_keda_scales_the_worker_as_kubernetes_would() -> None:
    scaled = yaml.safe_load((FOLDER / "autoscaling/worker.yaml").read_text())["spec"]
    assert manifests()["Deployment", scaled["scaleTargetRef"]["name"]]
    assert scaled["minReplicaCount"] <= scaled["fallback"]["replicas"] <= scaled["maxReplicaCount"]
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "worker"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", **scaled["scaleTargetRef"]},
            "minReplicas": scaled["minReplicaCount"],
            "maxReplicas": scaled["maxReplicaCount"],
            **scaled["advanced"]["horizontalPodAutoscalerConfig"],
        },
    }
    assert validate(autoscaler, "1.31", strict=True) == "1.31"
    [trigger] = scaled["triggers"]
    assert all(isinstance(value, str) for value in trigger["metadata"].values())


def test_the_overlay_of_the_document_is_built_by_kustomize_and_says_what_it_says(tmp_path: Path) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl here, which has kustomize")
    shutil.copytree(FOLDER, tmp_path / "base")
    [text] = re.findall(r"<!-- test: overlay -->\n```yaml\n(.+?)```", DOCUMENT, re.DOTALL)
    here = text.replace("https://github.com/YOU/order-processor//deploy/kubernetes", "../base").replace(
        "?ref=v0.1.0", ""
    )
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "kustomization.yaml").write_text(here)
    build = ["kubectl", "kustomize", str(tmp_path / "overlay")]
    done = subprocess.run(build, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    built = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}
    scaled = built.pop(("ScaledObject", "worker"))
    assert scaled["spec"]["triggers"][0]["metadata"]["serverAddress"] == "http://prometheus-operated.monitoring:9090"
    [source] = built["NetworkPolicy", "prometheus-to-metrics"]["spec"]["ingress"][0]["from"]
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "observability"}
    assert "replicas" not in built["Deployment", "worker"]["spec"]
    pods = [built["Deployment", name]["spec"]["template"]["spec"] for name in OURS]
    assert [pod["imagePullSecrets"] for pod in pods] == [[{"name": "registry"}]] * len(OURS)
    assert {validate(one, "1.31", strict=True) for one in built.values()} == {"1.31"}


def _let_in(policy: str) -> set[int]:
    [ingress] = manifests()["NetworkPolicy", policy]["spec"]["ingress"]
    ranges = [range(port["port"], port.get("endPort", port["port"]) + 1) for port in ingress["ports"]]
    return {port for ports in ranges for port in ports}
