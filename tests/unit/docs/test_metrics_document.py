"""docs/metrics.md, the alerts and the dashboard name the metrics that there are, and the alerts their entries."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.metrics_document import DOCUMENT, document, metric_names
from tests.unit.docs.test_runbook import ENTRIES, RUNBOOK, anchor_of

PROMETHEUS = Path("deploy/prometheus")
ALERTS = PROMETHEUS / "alerts.yml"
TESTS = PROMETHEUS / "alerts.test.yml"
DASHBOARD = Path("deploy/grafana/order-processor.json")

PROSE = [Path("README.md"), *sorted(Path("docs").rglob("*.md")), Path("deploy/kubernetes/autoscaling/worker.yaml")]
SCALING = Path("docs/scaling.md").read_text()

NAME = re.compile(r"\border_processor_\w+")


def families(names: set[str]) -> set[str]:
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text())["panels"])


def promtool(*arguments: str) -> None:
    if not shutil.which("promtool"):
        pytest.skip("no promtool here: it comes with Debian's package prometheus")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_document_is_what_the_code_makes() -> None:
    assert document() == DOCUMENT.read_text(), "run python -m local.metrics_document"


@pytest.mark.parametrize("file", [ALERTS, TESTS, DASHBOARD], ids=str)
def test_every_metric_that_is_named_is_one_that_there_is(file: Path) -> None:
    named = set(NAME.findall(file.read_text()))
    assert len(named) > 5
    assert named <= metric_names()


@pytest.mark.parametrize("file", PROSE, ids=str)
def test_so_is_every_one_that_is_named_to_people_and_to_keda(file: Path) -> None:
    """A histogram also without the suffix of its series, as in docs/metrics.md."""
    assert set(NAME.findall(file.read_text())) <= metric_names() | families(metric_names())


def test_scaling_names_a_metric_for_each_symptom() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \| [^|]+ \|$", SCALING.split("\n## ")[1], re.MULTILINE)[1:]
    assert len(rows) > 5
    assert [see for see, where in rows if not NAME.search(where)] == ["Flower at its core"]


def test_the_dashboard_shows_every_metric() -> None:
    shown = set(NAME.findall(DASHBOARD.read_text()))
    assert families(metric_names()) <= families(shown)


def test_the_panels_of_the_dashboard_ask_the_data_source_that_is_chosen_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_query_of_the_dashboard_parses(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in panels() for target in panel.get("targets", ())]
    assert len(queries) > 20
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(file))


def test_every_alert_links_to_its_entry_of_the_runbook_and_is_named_there() -> None:
    entries = {anchor_of(heading): heading for heading in ENTRIES}
    for alert in alerts():
        document, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert document == "docs/runbook.md"
        entry = RUNBOOK.split(f"\n## {entries[anchor]}\n")[1].split("\n## ")[0]
        assert f"`{alert['alert']}`" in entry, alert["alert"]
    named = {
        name for line in re.findall(r"\*\*See\*\* Alert (`[^.]+`)\.", RUNBOOK) for name in re.findall(r"\w+", line)
    }
    assert named == {alert["alert"] for alert in alerts()}


def test_every_alert_is_tested_both_to_be_silent_and_to_fire() -> None:
    tests = yaml.safe_load(TESTS.read_text())["tests"]
    cases = [(case["alertname"], bool(case.get("exp_alerts"))) for test in tests for case in test["alert_rule_test"]]
    names = [alert["alert"] for alert in alerts()]
    assert set(cases) == {(name, fires) for name in names for fires in (True, False)}


def test_promtool_is_content_with_the_configuration_and_the_alerts() -> None:
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_the_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", str(TESTS))


def test_the_jobs_that_alerts_ask_for_are_scraped_on_the_ports_of_the_compose_file() -> None:
    jobs = {
        job["job_name"]: job["dns_sd_configs"][0]
        for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    }
    assert set(re.findall(r'job="([\w-]+)"', ALERTS.read_text())) <= jobs.keys()
    services = yaml.safe_load(Path("docker-compose.yml").read_text())["services"]
    for found in jobs.values():
        [service] = found["names"]
        assert services[service]["environment"]["METRICS_PORT"] == found["port"]
        assert f":{found['port']}" not in str(services[service].get("ports", []))
