"""`make run` and the targets that talk to it, on the real thing. One system serves most tests."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import psutil
import pytest

from tests.local_system import LocalSystem
from tests.scrape import read_metrics
from tests.stack import FINAL, wait_until

SECOND_START_LIMIT = 10.0
"""As `make run` counts it, on a machine that does nothing else."""


@pytest.fixture
def another(tmp_path: Path) -> Iterator[LocalSystem]:
    """Not started; it need not be."""
    another = LocalSystem(tmp_path)
    yield another
    another.stop()


class TestReady:
    def test_it_really_is(self, system: LocalSystem) -> None:
        assert system.is_ready()

    def test_flower_opens_with_the_printed_password_only(self, system: LocalSystem) -> None:
        (password,) = re.findall(r"user admin, password (\S+)\)", system.output)
        flower = f"http://127.0.0.1:{system.flower_port}/workers"
        assert httpx.get(flower, trust_env=False).status_code == 401
        assert httpx.get(flower, auth=("admin", password), trust_env=False).status_code == 200

    def test_the_printed_curl_places_an_order(self, system: LocalSystem) -> None:
        assert shutil.which("curl"), "this test pastes a curl command"
        answer = subprocess.run(system.printed_curl, shell=True, capture_output=True, text=True, timeout=30)
        assert answer.stdout.startswith("HTTP/1.1 202"), answer
        (location,) = re.findall(r"(?mi)^location: (\S+)", answer.stdout)
        assert _final_status(system, location) == "confirmed"

    def test_every_part_descends_from_make_and_listens_on_loopback_only(self, system: LocalSystem) -> None:
        parts = [
            ("supervisord",),
            ("mongod", "--dbpath"),
            ("redis-server", "127.0.0.1"),
            ("granian",),
            ("celery", "worker worker"),
            ("celery", "worker beat"),
            ("celery", "worker flower"),
        ]
        assert [words for words in parts if system.part(*words) is None] == []
        listening = [
            connection.laddr
            for part in system.parts()
            for connection in part.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert {address.ip for address in listening} == {"127.0.0.1"}
        # MongoDB, two Redis, API, Flower, and the metrics of API, worker and beat.
        assert len({address.port for address in listening}) == 8

    def test_metrics_are_where_it_says(self, system: LocalSystem) -> None:
        printed = dict(re.findall(r"(\w+) (http://127\.0\.0\.1:\d+/metrics)", system.output))
        assert printed.keys() == {"api", "worker", "beat"}
        for part, url in printed.items():
            assert "order_processor_orders_accepted_total" in read_metrics(url).names(), part

    def test_no_secret_is_in_a_command_line_or_readable_by_others(self, system: LocalSystem) -> None:
        secrets = [(system.data_dir / name).read_text().strip() for name in ("jwt-secret", "flower-password")]
        commands = "\n".join(" ".join(part.cmdline()) for part in system.parts())
        config = (system.data_dir / "supervisord.conf").read_text()
        assert [secret for secret in secrets if secret in commands + config] == []
        assert system.data_dir.stat().st_mode & 0o077 == 0


class TestToken:
    def test_it_is_alone_on_the_last_line(self, system: LocalSystem) -> None:
        answer = system.make("token", SUB="bob", SCOPE="orders:read ops")
        token = answer.stdout.splitlines()[-1]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["sub"], claims["scope"]) == ("bob", "orders:read ops")
        with system.client(token) as client:
            assert client.get("/v1/orders/00000000-0000-7000-8000-000000000000").status_code == 404

    def test_without_a_system_it_says_so(self, another: LocalSystem) -> None:
        answer = another.make("token")
        assert answer.returncode != 0
        assert answer.stdout == ""
        assert "make run" in answer.stderr


class TestDemo:
    def test_the_last_unit_is_sold_once_and_the_figures_add_up(self, system: LocalSystem) -> None:
        answer = system.make("demo")
        assert answer.returncode == 0, answer
        assert "\x1b" not in answer.stdout
        figures = _table(answer.stdout)
        assert figures["accepted"] == ["100", "2,000"]
        assert figures["confirmed"][0] == "1"
        assert figures["rejected"][0] == "99"
        assert _number(figures["confirmed"][1]) + _number(figures["rejected"][1]) == 2000
        assert _number(figures["rejected"][1]) > 0
        assert figures["stock left"][0] == "0"
        assert figures["ledger"] == ["true", "true"]
        p50, p99 = (_milliseconds(figures[f"time to decision, {name}"][1]) for name in ("p50", "p99"))
        assert 0 < p50 <= p99

    def test_without_a_system_it_says_so(self, another: LocalSystem) -> None:
        answer = another.module("local.demo")
        assert (answer.returncode, answer.stdout) == (2, "")
        assert "start it with `make run`" in answer.stderr

    def test_another_port_than_the_system_has_is_an_error(self, system: LocalSystem) -> None:
        answer = system.module("local.demo", API_PORT="1")
        assert answer.returncode == 2
        assert f"listens on port {system.api_port}, not on 1" in answer.stderr


class TestVerify:
    def test_a_true_ledger(self, system: LocalSystem) -> None:
        answer = system.make("verify")
        assert answer.returncode == 0, answer
        assert "The ledger is true" in answer.stdout

    def test_stock_that_was_changed_behind_its_back(self, system: LocalSystem) -> None:
        database = system.database()
        database.products.update_one({"_id": "TEE-01"}, {"$inc": {"stock": 1}})
        try:
            answer = system.module("local.verify")
        finally:
            database.products.update_one({"_id": "TEE-01"}, {"$inc": {"stock": -1}})
            database.client.close()
        assert answer.returncode == 1
        assert "TEE-01" in answer.stdout

    def test_without_a_system_it_can_not_tell(self, another: LocalSystem) -> None:
        assert another.module("local.verify").returncode == 2
        nobody = another.module("local.verify", MONGO_URL="mongodb://127.0.0.1:1/?replicaSet=rs0")
        assert (nobody.returncode, nobody.stdout) == (2, "")


class TestPartThatDies:
    @pytest.mark.parametrize("words", [("celery", "worker worker"), ("granian",)], ids=["worker", "api"])
    def test_it_is_started_again_without_leftovers(self, system: LocalSystem, words: tuple[str, str]) -> None:
        part = system.part(*words)
        assert part is not None
        with_children = [part, *part.children(recursive=True)]
        part.kill()
        wait_until(lambda: not any(process.is_running() for process in with_children), "the old ones to be gone")
        wait_until(lambda: system.part(*words) is not None and system.is_ready(), "the part to be back")
        with system.client(system.printed_token) as client:
            order = client.post("/v1/orders", json={"items": [{"sku": "MUG-01", "quantity": 1}]})
        assert _final_status(system, order.headers["Location"]) == "confirmed"


class TestRefusal:
    """At once, in one line that says what to do, and before anything is started."""

    def test_a_second_system_in_the_same_data_dir(self, system: LocalSystem) -> None:
        runner = system.part("local.run")
        assert runner is not None
        answer = system.make("run")
        assert answer.returncode != 0
        assert f"already runs in {system.data_dir} (pid {runner.pid})" in answer.stderr

    @pytest.mark.parametrize("variable", ["API_PORT", "FLOWER_PORT"])
    def test_a_port_in_use(self, system: LocalSystem, another: LocalSystem, variable: str) -> None:
        answer = another.make("run", **{variable: str(system.api_port)})
        self._refused(another, answer, f"port {system.api_port} is in use: set {variable}")

    def test_one_port_for_two_parts(self, another: LocalSystem) -> None:
        answer = another.make("run", FLOWER_PORT=str(another.api_port))
        self._refused(another, answer, f"port {another.api_port} is in use: set API_PORT or FLOWER_PORT")

    def test_a_data_dir_that_can_not_be_made(self, another: LocalSystem, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        answer = another.make("run", DATA_DIR=str(tmp_path / "file" / "data"))
        self._refused(another, answer, "can't be used: Not a directory")

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("API_PORT", "abc"),
            ("FLOWER_PORT", "70000"),
            ("DATA_DIR", "/tmp/100%"),
            ("JWT_SECRET", "changeme-changeme-changeme-changeme"),
            ("MONGO_URL", "localhost:27017"),
        ],
    )
    def test_a_setting_that_is_wrong(self, another: LocalSystem, variable: str, value: str) -> None:
        self._refused(another, another.make("run", **{variable: value}), f"make run: {variable}: ")

    def test_no_mongod(self, another: LocalSystem, tmp_path: Path) -> None:
        code = "import sysconfig; sysconfig.get_path = lambda _: '/no-wheels'; from local.run import main; exit(main())"
        answer = another._run([sys.executable, "-c", code], {"PATH": str(tmp_path)})
        self._refused(another, answer, "no mongod (6 or later) runs on this machine")
        assert all(way in answer.stderr for way in ("MONGO_URL", "on PATH", "docker compose up"))

    def _refused(self, another: LocalSystem, answer: subprocess.CompletedProcess[str], why: str) -> None:
        assert answer.returncode != 0
        assert answer.stdout == ""
        first_line, *rest = answer.stderr.splitlines()
        assert why in first_line
        assert [line for line in rest if not line.startswith("make: ***")] == []
        assert not (another.data_dir / "supervisord.conf").exists()


class TestOrders:
    def test_the_operators_commands_run_on_the_system(self, system: LocalSystem) -> None:
        with system.client(system.printed_token) as client:
            location = client.post("/v1/orders", json={"items": [{"sku": "MUG-01", "quantity": 1}]}).headers["Location"]
        assert _final_status(system, location) == "confirmed"
        order_id = location.rpartition("/")[2]

        shown = system.make("orders", ARGS=f"show {order_id} --json")

        assert shown.returncode == 0, shown.stderr
        assert json.loads(shown.stdout)["status"] == "confirmed"

    def test_the_exit_status_is_the_commands_own(self, system: LocalSystem) -> None:
        assert system.module("local.orders_cli", ARGS="verify-stock").returncode == 0
        gone = system.module("local.orders_cli", ARGS="show 018f3b5e-0000-7000-8000-000000000000")
        assert (gone.returncode, gone.stderr) == (1, "There is no order 018f3b5e-0000-7000-8000-000000000000.\n")

    @pytest.mark.parametrize(
        ("words", "said"), [("list", "start it with `make run`"), ("list '", "ARGS can't be read")]
    )
    def test_what_can_not_be_run_is_told_in_one_line(self, another: LocalSystem, words: str, said: str) -> None:
        done = another.module("local.orders_cli", ARGS=words)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


class TestStopAndStartAgain:
    """The last ones: they stop the system that the others use."""

    def test_two_systems_run_side_by_side_and_one_stops_alone(self, system: LocalSystem, another: LocalSystem) -> None:
        another.start()
        with system.client(system.printed_token) as ours, another.client(another.printed_token) as theirs:
            location = ours.post("/v1/orders", json={"items": [{"sku": "MUG-01", "quantity": 1}]}).headers["Location"]
            assert _final_status(system, location) == "confirmed"
            assert theirs.get(location).status_code == 404
        with another.client(system.printed_token) as stranger:
            assert stranger.get(location).status_code == 401

        another.press_ctrl_c()
        wait_until(lambda: "Stopping everything" in another.output, "the first Ctrl-C to be noticed")
        another.stop(another.press_ctrl_c)  # somebody is impatient
        assert "Stopped after" in another.output
        assert system.is_ready()

    def test_sigterm_to_make_stops_all_and_the_next_start_keeps_data(self, system: LocalSystem) -> None:
        token = system.printed_token
        with system.client(token) as client:
            location = client.post("/v1/orders", json={"items": [{"sku": "MUG-01", "quantity": 1}]}).headers["Location"]
        system.stop()
        system.start()
        (seconds,) = re.findall(r"Ready after (\d+\.\d) s", system.output)
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        assert float(seconds) < busy * SECOND_START_LIMIT
        assert _final_status(system, location, token) == "confirmed"


def _final_status(system: LocalSystem, location: str, token: str = "") -> str:
    with system.client(token or system.printed_token) as client:
        wait_until(lambda: client.get(location).json()["status"] in FINAL, "the order to be decided")
        return str(client.get(location).json()["status"])


def _table(output: str) -> dict[str, list[str]]:
    rows = (re.split(r"\s*[│|]\s*", line.strip()) for line in output.splitlines())
    return {row[1]: row[2:-1] for row in rows if len(row) > 3}


def _number(figure: str) -> int:
    return int(figure.replace(",", ""))


def _milliseconds(figure: str) -> int:
    return _number(figure.removesuffix(" ms"))
