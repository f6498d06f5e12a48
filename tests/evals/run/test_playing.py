"""Who feels which outage, and that an address of nobody refuses."""

from pathlib import Path

import httpx
import pytest
import yaml

from cli.world_tenant import TENANT, SandboxState, write_tenant
from evals.generate.make import make
from evals.generate.writer import write_world
from evals.run.playing import Tenancies, nobody_listens
from evals.run.worlds import PlayedWorld
from sandbox.world_files import load_world
from settings import Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> PlayedWorld:
    folder = tmp_path_factory.mktemp("played") / "world"
    write_world(make(12, 60), folder)
    return PlayedWorld(folder)


def test_each_outage_has_a_tenant_of_its_own(world: PlayedWorld) -> None:
    tenancies = Tenancies.of(world, world.keys)
    assert sorted(key for keys in tenancies.tickets.values() for key in keys) == sorted(world.keys)
    assert TENANT not in tenancies.without
    assert len(tenancies.without) > 1
    for tenant, keys in tenancies.tickets.items():
        assert {world.down(key) for key in keys} == {tuple(tenancies.without.get(tenant, ()))}


def test_only_the_sources_that_are_down_are_elsewhere(world: PlayedWorld, tmp_path: Path) -> None:
    pages: list[dict[str, object]] = [
        {"name": "Own", "url": "http://127.0.0.1:1/own", "upstream": False},
        {"name": "Cloud", "url": "http://127.0.0.1:1/cloud", "upstream": True},
    ]
    vendors = ("zendesk", "standard", "linear", "stripe", "github", "statuspage", "docs", "clickhouse")
    state = SandboxState.model_validate(
        {
            "folder": "w",
            "control": "http://127.0.0.1:1",
            "addresses": {name: f"http://127.0.0.1:1/{name}" for name in vendors},
            "credentials": {
                "zendesk": {"email": "e@x.example", "actor_id": "1"},
                "standard": {
                    "ticket_url": "http://127.0.0.1:1/tickets/{ticket}",
                    "note_url": "http://127.0.0.1:1/notes",
                    "actor_id": "w",
                },
                "clickhouse": {"user": "reader"},
                "github": {"web": "https://github.com"},
            },
            "status_pages": pages,
            "ticket_keys": [],
        }
    )
    path = tmp_path / "whydesk.yaml"
    company = load_world(world.folder).tenant
    nowhere = "http://127.0.0.1:9"
    write_tenant(
        state,
        company,
        [],
        path,
        {"sweep_minutes": 0},
        {"demo-1": ("statuspage", "docs"), "demo-2": ("github",)},
        nowhere,
    )
    tenants = yaml.safe_load(path.read_text())["tenants"]
    assert set(tenants) == {TENANT, "demo-1", "demo-2"}
    assert nowhere not in str(tenants[TENANT])
    whole = tenants[TENANT]["connectors"]
    one, two = tenants["demo-1"]["connectors"], tenants["demo-2"]["connectors"]
    assert {page["url"] for page in one["statuspage"]["pages"]} == {nowhere}
    assert one["docs"]["site"] == nowhere
    assert {name for name in whole if whole[name] != one[name]} == {"statuspage", "docs"}
    assert two["github"] == whole["github"] | {"url": nowhere}
    assert {name for name in whole if whole[name] != two[name]} == {"github"}
    assert all(tenant["sweep_minutes"] == 0 for tenant in tenants.values())
    names = ["ZENDESK_TOKEN", "ZENDESK_WEBHOOK_SECRET", "STANDARD_TOKEN", "STANDARD_WEBHOOK_SECRET", "LINEAR_KEY"]
    names += ["STRIPE_KEY", "GITHUB_TOKEN", "CLICKHOUSE_PASSWORD"]
    environ = dict.fromkeys(names, "x") | {"WHYDESK_CONFIG": str(path), "WHYDESK_STATE": str(tmp_path)}
    assert set(Settings.load(environ).tenants) == set(tenants)


def test_an_address_of_nobody_refuses() -> None:
    with nobody_listens() as nowhere, pytest.raises(httpx.ConnectError):
        httpx.get(nowhere, trust_env=False)
