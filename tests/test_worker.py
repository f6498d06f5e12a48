"""The wiring of a worker, from the configuration of a sandbox: every connector, helpdesk and playbook that it names."""

import shutil
from pathlib import Path

import pytest
import yaml

import worker
from cli.world_tenant import TENANT, SandboxState, write_tenant
from connectors.pool import PooledConnectors
from helpdesks.pool import HelpdeskPool
from playbooks.library import PlaybookError
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.base import CLASSIFIER
from sandbox.world_tickets import TenantFile
from settings import ConfigError, Settings
from worker import Shelf

ROOT = Path(__file__).parent.parent
COMPANY = TenantFile.model_validate(
    yaml.safe_load((ROOT / "sandbox" / "worlds" / "vellumworks" / "tenant.yaml").read_text())
)
MODELS = ("claude-opus-5", "claude-haiku-4-5")
VENDORS = ("zendesk", "standard", "linear", "stripe", "github", "clickhouse", "docs", "statuspage")
STATE = SandboxState.model_validate(
    {
        "folder": "/nowhere",
        "control": "http://127.0.0.1:9",
        "addresses": dict.fromkeys(VENDORS, "http://127.0.0.1:9"),
        "credentials": {
            "zendesk": {"email": "a@b.example", "token": "zd", "webhook_secret": "zs", "actor_id": "7"},
            "standard": {
                "ticket_url": "http://127.0.0.1:9/t/{ticket}",
                "note_url": "http://127.0.0.1:9/n",
                "token": "st",
                "webhook_secret": "whsec_" + "c2VjcmV0" * 4,
                "actor_id": "8",
            },
            "linear": {"api_key": "lin_api_x"},
            "stripe": {"api_key": "rk_test_x"},
            "github": {"token": "ghp_x", "web": "http://127.0.0.1:9"},
            "clickhouse": {"user": "whydesk", "password": "pw"},
        },
        "status_pages": [{"name": "own", "url": "http://127.0.0.1:9"}],
        "ticket_keys": [],
    }
)


def load(path: Path, **changes: object) -> Settings:
    """The settings of a worker whose tenant is a sandbox's, with some of its configuration changed."""
    write_tenant(STATE, COMPANY, [], path)
    config = yaml.safe_load(path.read_text())
    config["tenants"][TENANT] |= changes
    path.write_text(yaml.safe_dump(config))
    return Settings.load(STATE.secrets(), path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "whydesk.yaml"


async def test_every_source_of_a_sandbox_gets_its_connector(config: Path) -> None:
    settings = load(config)
    factories = worker._connectors(settings.tenants, worker._Secrets(settings))
    assert set(factories) == set(settings.tenants[TENANT].connectors)
    assert len(factories) >= 6
    pool = PooledConnectors(factories)
    for source in factories:
        entry = await pool.entry(TENANT, source)
        assert entry is not None, source
        assert entry.connector.source is source
    await pool.aclose()


async def test_a_source_that_a_tenant_has_not_connected_has_none(config: Path) -> None:
    settings = load(config)
    bare = settings.tenants[TENANT].model_copy(update={"id": "bare", "connectors": {}})
    factories = worker._connectors({**settings.tenants, "bare": bare}, worker._Secrets(settings))
    assert [factories[source]("bare") for source in factories] == [None] * len(factories)


async def test_every_helpdesk_is_made_and_closed(config: Path) -> None:
    settings = load(config)
    makers = dict(worker._helpdesks(settings.tenants, worker._Secrets(settings)))
    assert set(makers) == {(TENANT, "zendesk"), (TENANT, "standard")}
    pool = HelpdeskPool(makers)
    for tenant, helpdesk in makers:
        assert await pool.get(tenant, helpdesk) is await pool.get(tenant, helpdesk)
    await pool.aclose()


async def test_each_link_of_a_chain_has_its_model(config: Path) -> None:
    (config.parent / "key").write_text("sk-ant-x")
    links = [{"provider": "anthropic", "model": name, "api_key": "file:key"} for name in MODELS]
    settings = load(config, models=links)
    chain = worker._models(settings.tenants, worker._Secrets(settings))[TENANT]
    assert list(chain) == list(MODELS)
    for make in chain.values():
        await make().aclose()


async def test_a_model_at_two_places_is_two_links(config: Path) -> None:
    (config.parent / "key").write_text("sk-ant-x")
    here = {"provider": "anthropic", "model": MODELS[0], "api_key": "file:key"}
    there = {"provider": "vertex", "model": MODELS[0], "region": "europe-west1", "project": "acme"}
    settings = load(config, models=[here, there])
    chain = worker._models(settings.tenants, worker._Secrets(settings))[TENANT]
    assert list(chain) == [MODELS[0], f"{MODELS[0]}#2"]
    clients = []
    for make in chain.values():
        model = make()
        assert isinstance(model, AnthropicModel)
        clients.append(type(model._client).__name__)
        await model.aclose()
    assert clients == ["AsyncAnthropic", "AsyncAnthropicVertex"]


@pytest.mark.parametrize("place", ["models", "classifier"])
async def test_a_worker_refuses_a_model_that_has_no_price(config: Path, place: str) -> None:
    (config.parent / "key").write_text("sk-ant-x")
    link = {"model": "claude-fable-5-2", "api_key": "file:key"}
    settings = load(config, **{place: [link] if place == "models" else link})
    with pytest.raises(ConfigError, match=f"{TENANT}.{place}: no price for model 'claude-fable-5-2'; add one to"):
        await worker.run_worker(settings)


async def test_the_classifier_is_a_model_beside_the_chain(config: Path) -> None:
    (config.parent / "key").write_text("sk-ant-x")
    accurate, fast = ({"model": name, "api_key": "file:key"} for name in MODELS)
    settings = load(config, models=[accurate], classifier=fast)
    made = worker._models(settings.tenants, worker._Secrets(settings))[TENANT]
    models = {name: make() for name, make in made.items()}
    assert {name: model.model for name, model in models.items()} == {MODELS[0]: MODELS[0], CLASSIFIER: MODELS[1]}
    for model in models.values():
        await model.aclose()


def write_playbook(folder: Path, change: tuple[str, str] = ("", ""), *, version: int = 1) -> Path:
    """Copy the shipped `general` as a tenant's own, with one text replaced."""
    own = Path(shutil.copytree(ROOT / "playbooks" / "general", folder / "general"))
    shipped = sorted(own.glob("*.yaml"), key=lambda path: int(path.stem))
    text = shipped[-1].read_text()
    assert change[0] in text
    for path in shipped:
        path.unlink()
    text = text.replace(*change, 1) if change[0] else text
    written = own / f"{version}.yaml"
    written.write_text(text.replace(f"version: {shipped[-1].stem}", f"version: {version}", 1))
    return written


def test_a_mistake_in_a_tenants_playbook_is_told_with_its_file_and_line(config: Path) -> None:
    path = write_playbook(config.parent / "own")
    path.write_text(path.read_text() + "colour: red\n")
    settings = load(config, playbook_dirs=["own"])
    with pytest.raises(PlaybookError) as told:
        Shelf(settings.tenants)
    assert f"{path}:{len(path.read_text().splitlines())}: " in str(told.value)


def test_a_tenants_own_playbook_takes_the_shipped_ones_place(config: Path) -> None:
    shipped = {book.id: book for book in Shelf(load(config).tenants).released(TENANT)}
    write_playbook(config.parent / "own", (shipped["general"].title, "Ours"))
    settings = load(config, playbook_dirs=["own"])
    released = {book.id: book for book in Shelf(settings.tenants).released(TENANT)}
    assert released["general"].title == "Ours"
    assert {name: book for name, book in released.items() if name != "general"} == {
        name: book for name, book in shipped.items() if name != "general"
    }


def test_a_tenants_own_folder_needs_no_fallback_beside_the_shipped_ones(config: Path) -> None:
    shutil.copytree(ROOT / "docs" / "worked-example", config.parent / "own")
    settings = load(config, playbook_dirs=["own"])
    released = {book.id: book for book in Shelf(settings.tenants).released(TENANT)}
    assert not released["unexpected-usage"].applies_when.fallback
    assert [book.id for book in released.values() if book.applies_when.fallback] == ["general"]


def test_the_newest_version_is_the_released_one(config: Path) -> None:
    own = write_playbook(config.parent / "own", version=2)
    shutil.copy(ROOT / "playbooks" / "general" / "1.yaml", own.with_name("1.yaml"))
    settings = load(config, playbook_dirs=["own"])
    released = [book for book in Shelf(settings.tenants).released(TENANT) if book.id == "general"]
    assert [book.version for book in released] == [2]


def test_metrics_are_served_where_it_is_said(config: Path) -> None:
    write_tenant(STATE, COMPANY, [], config)
    assert Settings.load(STATE.secrets(), config).metrics_host == "127.0.0.1"
    assert Settings.load(STATE.secrets() | {"WHYDESK_METRICS_HOST": "0.0.0.0"}, config).metrics_host == "0.0.0.0"  # noqa: S104  # read, not bound
