"""What Granian loads: it serves orders also when its counts have no place."""

import os
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from prometheus_client import values

from api import process
from api.metric_files import DIRECTORY
from api.resources import EXTENSION
from tests.builders import api_settings, settings

MADE = SimpleNamespace(
    extensions={EXTENSION: SimpleNamespace(settings=api_settings(shared=settings(metrics_port=9100)))}
)


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """How metrics were served."""
    served = Mock()
    monkeypatch.setattr("api.app.make_app", lambda: MADE)
    monkeypatch.setattr(process, "serve_metrics", served)
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    return served


def refused(*_: object) -> None:
    raise PermissionError("Permission denied")


def test_counts_in_files_are_served(tmp_path, monkeypatch, served, logged):
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    assert process.make_app() is MADE
    assert values.ValueClass is not values.MutexValue
    assert served.call_count == 1
    assert served.call_args.kwargs == {"reuse_port": True}
    assert logged == []


@pytest.mark.parametrize("why", ["none", "gone", "forbidden"])
def test_without_a_directory_it_counts_in_memory_and_says_so(tmp_path, monkeypatch, served, logged, why):
    monkeypatch.delenv(DIRECTORY, raising=False)
    if why != "none":
        monkeypatch.setenv(DIRECTORY, str(tmp_path if why == "forbidden" else Path(tmp_path) / "gone"))
    if why == "forbidden":
        monkeypatch.setattr(os, "open", refused)
    assert process.make_app() is MADE
    assert values.ValueClass is values.MutexValue
    assert not served.called
    assert [line["event"] for line in logged] == ["metrics are not served"]
