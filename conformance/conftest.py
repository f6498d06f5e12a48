"""What the truths share: the company of the demo behind its vendors' ports, stripe-mock, and the account at the end."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from conformance import mock
from sandbox.run import CHECKOUT, Sandbox

WORLD = CHECKOUT / "sandbox" / "worlds" / "vellumworks"
_held: Counter[str] = Counter()


@pytest.fixture(scope="session")
async def company() -> AsyncIterator[Sandbox]:
    """Run the company's vendors for the session; nobody can write to them."""
    async with Sandbox(WORLD, clickhouse=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def stripe_mock() -> Iterator[str]:
    """Run stripe-mock for the session; gives its address."""
    with mock.running() as url:
        yield url


@pytest.fixture(scope="session")
def held() -> Counter[str]:
    """Count here what was held to a truth; told at the end."""
    return _held


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was held to what."""
    if _held:
        terminalreporter.section("held to truths that others wrote")
        for what, count in sorted(_held.items()):
            terminalreporter.write_line(f"{count:6} {what}")
