"""One local system for the tests of a module, and where traces and error reports of a test go."""

from collections.abc import Iterator

import pytest

from tests.collector import Collector, collecting
from tests.local_system import LocalSystem


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    system = LocalSystem(tmp_path_factory.mktemp("system"))
    system.start()
    yield system
    system.stop()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector
