"""What a process tells those who run it: unasked its log alone, and then nothing else is even loaded.

(redis loads a part of OpenTelemetry's SDK by itself, where it finds it.)
"""

import os
import subprocess
import sys

import pytest

from tests.builders import ENVIRONMENT

LOADED = """
import sys
from shared.settings import load_settings
from shared.telemetry import start_telemetry
import api.app, worker.tasks
start_telemetry("api", load_settings())
print(*{"opentelemetry.exporter", "opentelemetry.instrumentation", "google.protobuf", "sentry_sdk"} & set(sys.modules))
"""


@pytest.mark.parametrize("given", ["", None])
def test_unasked_neither_traces_nor_error_reports_are_loaded(given):
    asked = {} if given is None else dict.fromkeys(["OTEL_EXPORTER_OTLP_ENDPOINT", "SENTRY_DSN"], given)
    assert loaded(asked) == set()


def test_asked_they_are():
    """So the test above can fail."""
    traced = {"opentelemetry.exporter", "opentelemetry.instrumentation", "google.protobuf"}
    assert loaded({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) == traced
    assert loaded({"SENTRY_DSN": "http://key@127.0.0.1:9/1"}) == {"sentry_sdk"}


def test_a_variable_of_opentelemetrys_that_does_not_parse_is_a_refusal_of_one_line():
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SPAN_LINK_COUNT_LIMIT": "many"}
    done = started(asked)
    assert done.returncode == 78
    [line] = done.stderr.decode().splitlines()
    assert line.startswith("api refuses to start: a variable of OpenTelemetry's, OTEL_")


def loaded(asked: dict[str, str]) -> set[str]:
    done = started(asked)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.decode().split())


def started(asked: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.defpath, **ENVIRONMENT, **asked}
    return subprocess.run([sys.executable, "-c", LOADED], env=environment, capture_output=True, check=False, timeout=60)
