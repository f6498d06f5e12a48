"""The status pages, asked over HTTP as anybody may."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.clock import stamp_millis
from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.small_world import small_world

PAGE = {"id", "name", "url", "time_zone", "updated_at"}
COMPONENT = {
    *("id", "name", "status", "description", "group", "group_id", "position", "showcase", "only_show_if_degraded"),
    *("page_id", "created_at", "updated_at"),
}
INCIDENT = {
    *("id", "name", "status", "impact", "created_at", "updated_at", "monitoring_at", "resolved_at", "shortlink"),
    *("page_id", "incident_updates", "components"),
}
UPDATE = {"id", "status", "body", "created_at", "updated_at", "display_at", "incident_id", "affected_components"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(small_world(), clickhouse=False) as sandbox:
        yield sandbox


async def read(sandbox: Sandbox, document: str, page: str = "statuspage") -> dict[str, Any]:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        answer = await http.get(f"{sandbox.addresses[page]}/api/v2/{document}.json")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    assert set(body["page"]) == PAGE
    return body


async def test_the_summary_shows_what_is_open_and_what_is_planned(sandbox: Sandbox) -> None:
    summary = await read(sandbox, "summary")
    assert summary["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert [one["id"] for one in summary["incidents"]] == ["inc-1"]
    assert [one["id"] for one in summary["scheduled_maintenances"]] == ["m-1"]
    for component in summary["components"]:
        assert set(component) >= COMPONENT
    for incident in summary["incidents"]:
        assert set(incident) >= INCIDENT
        assert all(set(update) >= UPDATE for update in incident["incident_updates"])


async def test_groups_contain_components_and_carry_the_worst_status(sandbox: Sandbox) -> None:
    components = (await read(sandbox, "components"))["components"]
    group = next(one for one in components if one["group"])
    assert (group["name"], group["status"], group["components"]) == ("Core", "partial_outage", ["c-api", "c-web"])
    assert {one["id"]: one["group_id"] for one in components if not one["group"]} == {
        "c-api": group["id"],
        "c-web": group["id"],
        "c-docs": None,
    }


async def test_incidents_are_newest_first_with_their_latest_post_first(sandbox: Sandbox) -> None:
    incidents = (await read(sandbox, "incidents"))["incidents"]
    assert [one["id"] for one in incidents] == ["inc-1", "inc-0"]
    assert [update["status"] for update in incidents[0]["incident_updates"]] == ["identified", "investigating"]
    assert incidents[0]["created_at"] == stamp_millis(sandbox.now - timedelta(hours=1))
    assert [one["id"] for one in (await read(sandbox, "incidents/unresolved"))["incidents"]] == ["inc-1"]


async def test_maintenances_have_their_times(sandbox: Sandbox) -> None:
    planned = (await read(sandbox, "scheduled-maintenances"))["scheduled_maintenances"]
    assert planned[0]["scheduled_for"] == stamp_millis(sandbox.now + timedelta(days=1))
    assert (await read(sandbox, "scheduled-maintenances/active"))["scheduled_maintenances"] == []
    upcoming = (await read(sandbox, "scheduled-maintenances/upcoming"))["scheduled_maintenances"]
    assert upcoming == planned


async def test_the_provider_has_a_page_of_its_own(sandbox: Sandbox) -> None:
    body = await read(sandbox, "status", "statuspage-cloudy")
    assert body["page"]["name"] == "Cloudy"
    assert body["status"]["indicator"] == "none"
    assert sandbox.addresses["statuspage"] != sandbox.addresses["statuspage-cloudy"]


async def test_unknown_documents_are_404_and_writes_are_remembered(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        base = sandbox.addresses["statuspage"]
        assert (await http.get(f"{base}/api/v2/nonsense.json")).status_code == 404
        assert (await http.post(f"{base}/api/v2/incidents.json", json={})).status_code == 403
    assert [write.vendor for write in sandbox.journal.writes] == ["statuspage"]
