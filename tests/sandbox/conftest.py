"""What the sandbox's tests share: one ClickHouse process, filled with the first world's logs."""

from collections.abc import Iterator

import pytest

from tests.sandbox.engine_process import EngineProcess, running


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Run the company's ClickHouse for the session; nobody can write to it."""
    with running(tmp_path_factory.mktemp("clickhouse")) as process:
        yield process
