"""Flower as docker-compose.yml starts it, but for its port and the folder of what it remembers."""

from pathlib import Path
from typing import Any

import httpx

from local.ports import free_port
from tests.compose_file import command_of, services
from tests.stack import Stack, wait_until

BASIC_AUTH = services()["flower"]["environment"]["FLOWER_BASIC_AUTH"]
USER, PASSWORD = BASIC_AUTH.split(":")


class Flower:
    def __init__(self, stack: Stack, directory: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, auth=(USER, PASSWORD), timeout=30)
        self._options = flower_options(port, directory)
        self._stack = stack

    def start(self) -> None:
        process = self._stack.spawn_celery("flower", *self._options, FLOWER_BASIC_AUTH=BASIC_AUTH)
        wait_until(lambda: answers(self.url), "Flower to answer", process, limit=60)

    def wait_until_it_sees(self, worker: str) -> None:
        """By an event: from then on it gets those of tasks, too."""
        seen = f'flower_worker_online{{worker="{worker}"}} 1.0'
        wait_until(lambda: seen in httpx.get(f"{self.url}/metrics").text, f"Flower to see {worker}", limit=60)

    def wait_for_task_of(self, order_id: str, *, number: int = 1) -> dict[str, Any]:
        """The last of that many tasks which have come to an end and name the order."""
        wait_until(lambda: len(self._succeeded(order_id)) >= number, "the task in Flower")
        return self._succeeded(order_id)[number - 1]

    def _succeeded(self, order_id: str) -> list[dict[str, Any]]:
        query = {"taskname": "orders.process", "state": "SUCCESS", "search": f"args:{order_id}", "sort_by": "received"}
        answer = self.client.get("/api/tasks", params=query)
        answer.raise_for_status()
        return list(answer.json().values())


def flower_options(port: int, directory: Path) -> list[str]:
    """The words behind `celery -A worker`."""
    words = command_of("flower")
    assert words[:3] == ["celery", "-A", "worker"]
    moved = {"--port=5555": f"--port={port}", "--db=/data/flower": f"--db={directory / 'flower'}"}
    assert moved.keys() <= set(words)
    return [moved.get(word, word) for word in words[3:]] + ["--address=127.0.0.1"]


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
