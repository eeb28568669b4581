"""A process that can't keep the promises says why, one line for each reason, and exits with EX_CONFIG."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from shared.settings import SettingsInvalid
from shared.startup import load_or_refuse, prepare_database_or_refuse, refuse

URL = "mongodb://user:hunter2@db/orders"


class Server:
    """As much of a database as the check asks: it answers `hello`, and remembers the indexes."""

    def __init__(self, hello: dict[str, object] | Exception) -> None:
        self.hello = hello
        self.indexed: list[str] = []
        self.to_drop: list[str] = []
        self.closed = False
        self.client = self
        self.admin = self

    def command(self, name: str) -> dict[str, object]:
        assert name == "hello"
        if isinstance(self.hello, Exception):
            raise self.hello
        return self.hello

    def close(self) -> None:
        self.closed = True

    def __getitem__(self, collection: str) -> SimpleNamespace:
        return SimpleNamespace(
            create_indexes=lambda _indexes: self.indexed.append(collection),
            index_information=lambda: {"_id_": {}, "pending_by_age": {}},
            drop_index=self.drop_index,
            find_one=lambda *_: {"_id": "MUG"},
        )

    def drop_index(self, name: str) -> None:
        self.to_drop.append(name)
        raise OperationFailure("not authorized", 13)


@pytest.fixture
def serve(monkeypatch) -> Callable[[Server], Server]:
    """Puts a server where `URL` leads to."""

    def serve(server: Server) -> Server:
        monkeypatch.setattr("shared.startup.connect", lambda url, **_: {URL: server}[url])
        return server

    return serve


def refused(capsys, call, *args) -> str:
    with pytest.raises(SystemExit) as end:
        call(*args)
    assert end.value.code == 78
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_refusal_has_a_line_for_each_reason(capsys):
    assert refused(capsys, refuse, "api", "one.", "two.") == (
        "api refuses to start: one.\napi refuses to start: two.\n"
    )


def test_invalid_settings_are_refused_line_by_line(capsys):
    def load() -> None:
        raise SettingsInvalid(["MONGO_URL: Environment variable not set.", "API_PORT: Not a valid integer."])

    assert refused(capsys, load_or_refuse, "worker", load) == (
        "worker refuses to start: MONGO_URL: Environment variable not set.\n"
        "worker refuses to start: API_PORT: Not a valid integer.\n"
    )


def test_valid_settings_are_handed_on():
    assert load_or_refuse("api", lambda: 42) == 42


@pytest.mark.parametrize("hello", [{"setName": "rs0"}, {"msg": "isdbgrid"}])
def test_a_replica_set_or_a_sharded_cluster_gets_its_indexes(serve, hello):
    server = serve(Server(hello))
    prepare_database_or_refuse("api", URL)
    assert {"orders", "stock_movements"} <= set(server.indexed)
    assert server.closed


def test_an_index_that_nobody_needs_and_may_not_be_dropped_stops_no_start(serve):
    server = serve(Server({"setName": "rs0"}))
    prepare_database_or_refuse("api", URL)
    assert server.to_drop == ["pending_by_age"]
    assert server.closed


def test_a_standalone_mongodb_is_refused_with_the_way_to_mend_it(serve, capsys):
    server = serve(Server({"isWritablePrimary": True}))
    text = refused(capsys, prepare_database_or_refuse, "api", URL)
    assert text.startswith("api refuses to start: MONGO_URL: this MongoDB runs standalone")
    assert "--replSet rs0" in text
    assert "rs.initiate()" in text
    assert server.indexed == []


def test_a_mongodb_that_is_not_there_is_refused_without_its_address(serve, capsys):
    server = serve(Server(ServerSelectionTimeoutError("user:hunter2@db:27017 refused")))
    text = refused(capsys, prepare_database_or_refuse, "worker", URL)
    assert text.startswith("worker refuses to start: MONGO_URL: no MongoDB primary can be reached there")
    assert "hunter2" not in text
    assert server.indexed == []


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://",
        "mongodb://user:hunt@er2@db",
        "mongodb://user:hunter2/x@db",
        "mongodb://db:hunter2",
        "mongodb://[db",
    ],
)
def test_what_is_not_a_mongodb_url_is_refused_in_one_line_and_not_shown(capsys, url):
    text = refused(capsys, prepare_database_or_refuse, "api", url)
    assert text.startswith("api refuses to start: MONGO_URL: not a MongoDB URL")
    assert text.count("\n") == 1
    assert "hunt" not in text
