"""The README is true: its first order is placed as written, and its links lead somewhere."""

import json
import re
from pathlib import Path

from tests.local_system import PROJECT, LocalSystem

README = (PROJECT / "README.md").read_text()


def test_the_first_order_works_as_written(system: LocalSystem) -> None:
    done = system.shell(script_of("first order", system))

    assert done.returncode == 0, done.stderr
    order = json.loads(done.stdout)
    assert (order["status"], order["total"]) == ("confirmed", {"amount": 25_000, "currency": "IDR"})
    assert '"status":"pending"' in done.stderr


def test_the_catalogue_works_as_written(system: LocalSystem) -> None:
    done = system.shell(script_of("catalogue", system))

    assert done.returncode == 0, done.stderr
    created, low, movement, ledger, patched = map(json.loads, done.stdout.splitlines())
    assert created["low_stock"]
    assert created["sku"] in [product["sku"] for product in low["items"]]
    assert [entry["delta"] for entry in ledger["items"]] == [movement["delta"], 2]
    assert (patched["stock"], patched["price"]["amount"], patched["low_stock"]) == (52, 39_000, False)


def test_every_target_that_it_names_exists(system: LocalSystem) -> None:
    targets = set(re.findall(r"make ([a-z][a-z-]+)", README))
    assert targets >= {"run", "test", "demo", "token", "verify"}
    listed = system.make("help").stdout
    assert {target for target in targets if f"make {target} " not in listed + "make help "} == set()


def test_every_link_leads_to_a_file() -> None:
    documents = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").rglob("*.md")]
    links = [
        (document, link.split("#")[0])
        for document in documents
        for link in re.findall(r"\]\(([^)]+)\)", document.read_text())
        if not link.startswith("http") and link.split("#")[0]
    ]
    assert len(links) > 10
    assert [(str(document), link) for document, link in links if not _leads_somewhere(document, link)] == []


def test_the_map_names_every_package() -> None:
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")}
    assert packages == {"api", "worker", "shared", "local", "bench"}
    assert {package for package in packages if f"\n{package}/ " not in README} == set()


def script_of(name: str, system: LocalSystem) -> str:
    (script,) = re.findall(rf"<!-- test: {name} -->\n```bash\n(.*?)```", README, re.DOTALL)
    return script.replace("http://localhost:8000", system.url)


def _leads_somewhere(document: Path, link: str) -> bool:
    return (document.parent / link).exists()
