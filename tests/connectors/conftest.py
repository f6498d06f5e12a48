"""What the connectors' tests share: a far end that plays what it is told to, a connector of each vendor, and an engine."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from connectors.clickhouse import ClickHouseConnector
from connectors.github import GitHubConnector
from connectors.linear import LinearConnector
from connectors.stripe import StripeConnector
from tests.clickhouse_server import ClickHouseServer, clickhouse_server
from tests.connectors import clickhouse_far_end, github_far_end, linear_far_end, stripe_far_end
from tests.connectors.far_end import FarEnd, far_end
from tests.connectors.github_far_end import Host


@pytest_asyncio.fixture
async def end() -> AsyncIterator[FarEnd]:
    """Run a far end for one test."""
    async with far_end() as running:
        yield running


@pytest.fixture
def github_host(end: FarEnd) -> Host:
    """Let the far end be a code host."""
    return Host(end)


@pytest_asyncio.fixture
async def github_connector(end: FarEnd) -> AsyncIterator[GitHubConnector]:
    """Ask the far end as GitHub is asked."""
    made = github_far_end.connect(end)
    yield made
    await made.aclose()


@pytest_asyncio.fixture
async def linear_connector(end: FarEnd) -> AsyncIterator[LinearConnector]:
    """Ask the far end as Linear is asked."""
    made = linear_far_end.connect(end)
    yield made
    await made.aclose()


@pytest_asyncio.fixture
async def stripe_connector(end: FarEnd) -> AsyncIterator[StripeConnector]:
    """Ask the far end as Stripe is asked."""
    made = stripe_far_end.connect(end)
    yield made
    await made.aclose()


@pytest.fixture(scope="session")
def server() -> ClickHouseServer:
    """The real engine, one for all tests of a process."""
    return clickhouse_server()


@pytest_asyncio.fixture
async def clickhouse_connector(server: ClickHouseServer) -> AsyncIterator[ClickHouseConnector]:
    """Ask the real engine."""
    async with clickhouse_far_end.opened(server.url) as made:
        yield made
