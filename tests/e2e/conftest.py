"""One local system for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.local_system import LocalSystem


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    system = LocalSystem(tmp_path_factory.mktemp("system"))
    system.start()
    yield system
    system.stop()
