"""docs/clients.md is true: each of its programs runs as written, also where two of its requests get no good answer."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local_system import PROJECT, LocalSystem

DOCUMENT = (PROJECT / "docs" / "clients.md").read_text()
LANGUAGES = {"curl": "bash", "python": "python", "javascript": "javascript"}


def program(name: str) -> str:
    (text,) = re.findall(rf"<!-- test: {name} -->\n```{LANGUAGES[name]}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(text)


def command(name: str, directory: Path) -> list[str]:
    """How a reader would start it."""
    if name == "curl":
        return ["bash", "-c", program(name)]
    if name == "python":
        return [sys.executable, "-c", program(name)]
    if shutil.which("node") is None:
        pytest.skip("no Node on this machine")
    file = directory / "client.mjs"
    file.write_text(program(name))
    return ["node", str(file)]


@pytest.fixture
def token(system: LocalSystem) -> str:
    return system.make("token").stdout.strip().splitlines()[-1]


class Unreliable(BaseHTTPRequestHandler):
    """Passes requests on; but the first answer of all is lost, after it was given, and the second is a 503."""

    target = ""
    log: list[tuple[str, str | None]]

    def do_POST(self) -> None:
        self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self.pass_on(None)

    def pass_on(self, body: bytes | None) -> None:
        self.log.append((self.command, self.headers["Idempotency-Key"]))
        if len(self.log) == 2:
            self.send_response(503)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = httpx.request(self.command, self.target + self.path, content=body, headers=headers, timeout=60)
        if len(self.log) == 1:
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def unreliable(system: LocalSystem) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """The address of a way to the system that fails twice, and what came along it."""
    log: list[tuple[str, str | None]] = []
    handler = type("Handler", (Unreliable,), {"target": system.url, "log": log})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", log
        server.shutdown()


def run(name: str, directory: Path, *, api: str, token: str) -> Any:
    """The order that it prints."""
    done = subprocess.run(
        command(name, directory),
        env={**os.environ, "API": api, "TOKEN": token, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_program_buys_as_written(system: LocalSystem, token: str, tmp_path: Path, name: str) -> None:
    order = run(name, tmp_path, api=system.url, token=token)
    assert (order["status"], order["total"]) == ("confirmed", {"amount": 25_000, "currency": "IDR"})


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_is_lost_on_the_way_is_sent_again_with_the_same_key_and_is_one_order(
    system: LocalSystem, token: str, tmp_path: Path, name: str, unreliable: tuple[str, list[tuple[str, str | None]]]
) -> None:
    api, log = unreliable
    before = orders(system, token)

    order = run(name, tmp_path, api=api, token=token)

    assert order["status"] == "confirmed"
    posts = [key for method, key in log if method == "POST"]
    assert len(posts) == 3
    assert len(set(posts)) == 1
    assert orders(system, token) - before == {order["id"]}


def orders(system: LocalSystem, token: str) -> set[str]:
    answer = httpx.get(f"{system.url}/v1/orders?limit=100", headers={"Authorization": f"Bearer {token}"})
    return {order["id"] for order in answer.json()["items"]}
