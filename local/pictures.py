"""`make pictures`: those of docs/img, of the running system: its /docs, and its Flower with orders of many kinds.

Needs Chromium (on Debian: apt install chromium), which no other part of the project does.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from local.data_dir import write_private
from local.errors import LocalError, PicturesFailed
from local.loopback import loopback_client
from local.readiness import refuse_unless_it_answers
from local.settings import load_local_settings
from local.system import System, running_system
from local.terminal import complain, say
from local.token import make_token
from shared.settings import SettingsInvalid

FOLDER = Path(__file__).parents[1] / "docs" / "img"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 30
ATTEMPTS = 3

STOCK = {"MUG": 1_000, "TICKET": 3, "TEE": 250}
MESSAGES = [("MUG", 1), ("MUG", 2), ("TICKET", 5), ("MUG", 1), ("TEE", 300), ("TICKET", 1), ("MUG", 12), ("TEE", 40)]
"""Of each product so many orders, in a message."""


@dataclass(frozen=True, slots=True)
class Picture:
    file: str
    url: str
    width: int
    height: int
    """Of the window: so that no line is cut in two."""


def main() -> int:
    try:
        browser = find_browser()
        system = running_system(load_local_settings())
        refuse_unless_it_answers(system)
        place_orders(system)
        for picture in pictures_of(system):
            take(browser, picture)
    except (LocalError, SettingsInvalid, httpx.HTTPError) as error:
        complain(f"make pictures: {error}")
        return 2
    return 0


def find_browser() -> str:
    """Raises `PicturesFailed`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise PicturesFailed(f"none of {', '.join(BROWSERS)} is installed; on Debian: apt install chromium")
    return found


def pictures_of(system: System) -> list[Picture]:
    flower = f"http://admin:{system.flower_password}@127.0.0.1:{system.flower_port}/tasks?name=orders.process"
    return [Picture("docs.png", f"{system.api_url}/docs", 1280, 772), Picture("flower.png", flower, 1692, 664)]


def place_orders(system: System) -> None:
    """Returns when Flower has seen what became of all of them. Raises `PicturesFailed`, and what httpx does."""
    run = secrets.token_hex(4)
    token = make_token(system.jwt_secret, "pictures", "orders:read orders:write products:write", seconds=600)
    with loopback_client(base_url=system.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        for name, stock in STOCK.items():
            price = {"amount": 12_500, "currency": "IDR"}
            product = {"sku": f"{name}-{run}", "name": name.title(), "price": price, "stock": stock}
            client.post("/v1/products", json=product).raise_for_status()
        for name, orders in MESSAGES:
            entry = {"items": [{"sku": f"{name}-{run}", "quantity": 1}]}
            answer = client.post("/v1/orders/bulk", json={"orders": [entry] * orders}).raise_for_status()
            wait_for_flower(system, answer.json()["results"][0]["order"]["id"])


def wait_for_flower(system: System, order_id: str) -> None:
    """Each message before the next one is sent, so that none of them share one."""
    flower, auth = f"http://127.0.0.1:{system.flower_port}", ("admin", system.flower_password)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    query = {"state": "SUCCESS", "search": f"args:{order_id}"}
    with loopback_client(base_url=flower, auth=auth, timeout=10) as client:
        while not client.get("/api/tasks", params=query).raise_for_status().json():
            if time.monotonic() > give_up_at:
                raise PicturesFailed(f"Flower does not show what became of order {order_id}")
            time.sleep(0.1)


def take(browser: str, picture: Picture) -> None:
    """The browser is led to the page by a file: a command line, which all can read, is no place for a password."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as directory:
        start = Path(directory) / "start.html"
        write_private(start, f'<meta http-equiv="refresh" content="0;url={picture.url}">')
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={directory}/profile",
            f"--window-size={picture.width},{picture.height}",
            "--virtual-time-budget=10000",
            f"--screenshot={FOLDER / picture.file}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            start.as_uri(),
        ]
        _run(command)
    say(f"{FOLDER / picture.file}")


def _run(command: list[str]) -> None:
    """A browser whose time is virtual hangs now and then, for ever; else it takes seconds."""
    for _ in range(ATTEMPTS):
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
            if done.returncode != 0:
                raise PicturesFailed(f"{command[0]} took no picture: {done.stderr[-500:]}")
            return
    raise PicturesFailed(f"{command[0]} took no picture in {ATTEMPTS} times {PATIENCE_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
