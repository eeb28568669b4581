"""Who may share the port of `/metrics`: processes that count together, and nobody else."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from shared.metrics_server import serve_metrics


@pytest.fixture(params=[True, False], ids=["together", "alone"])
def together(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def port(together: bool) -> Iterator[int]:
    """One that a process serves its metrics on already."""
    server = serve_metrics("127.0.0.1", 0, CollectorRegistry(), reuse_port=together)
    assert server
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_only_processes_that_count_together_share_a_port(together, port):
    with capture_logs() as logged:
        second = serve_metrics("127.0.0.1", port, CollectorRegistry(), reuse_port=together)
    assert (second is not None) == together
    assert [line["event"] for line in logged] == ([] if together else ["metrics are not served"])
    if second:
        second.shutdown()
        second.server_close()
