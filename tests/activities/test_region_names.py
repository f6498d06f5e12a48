"""The names of a company's regions: asked once an hour, of five customers at least, and never in anyone's way."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.region_names import RegionNames
from connectors.base import Unavailable
from models.evidence import Answer
from models.vocabulary import EvidenceStatus, Scope, Source
from tests.fakes import ScriptedConnector, ScriptedConnectors, found
from tests.workflows.house import TENANT

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def accounts(answer: Answer | Exception) -> ScriptedConnector:
    return ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": answer})


async def test_regions_are_asked_of_the_fleet_and_name_nobody() -> None:
    logs = accounts(found({"region": "westbay"}, {"region": "ashford"}, {"region": ""}, {"region": None}))
    assert await RegionNames(ScriptedConnectors(logs)).of(TENANT, NOW) == ("ashford", "westbay")
    [asked] = logs.asked
    assert (asked.scope, asked.customer) == (Scope.FLEET, None)
    assert ">= 5" in asked.text


async def test_regions_are_asked_again_after_an_hour() -> None:
    logs = accounts(found({"region": "ashford"}))
    names = RegionNames(ScriptedConnectors(logs))
    for minutes, times in ((0, 1), (59, 1), (61, 2)):
        assert await names.of(TENANT, NOW + timedelta(minutes=minutes)) == ("ashford",)
        assert len(logs.asked) == times


@pytest.mark.parametrize(
    "answer",
    [Unavailable("down"), Answer(status=EvidenceStatus.TIMED_OUT, asked="sql", reason="too slow"), TimeoutError()],
)
async def test_a_source_that_is_down_leaves_no_names_and_is_asked_again(answer: Answer | Exception) -> None:
    logs = accounts(answer)
    names = RegionNames(ScriptedConnectors(logs))
    assert await names.of(TENANT, NOW) == ()
    logs.answers = {"prod.accounts": found({"region": "ashford"})}
    assert await names.of(TENANT, NOW) == ("ashford",)


async def test_without_accounts_or_logs_nothing_is_asked() -> None:
    logs = accounts(found({"region": "ashford"}))
    bare = TENANT.model_copy(update={"tables": {}})
    assert await RegionNames(ScriptedConnectors(logs)).of(bare, NOW) == ()
    assert logs.asked == []
    assert await RegionNames(ScriptedConnectors()).of(TENANT, NOW) == ()
