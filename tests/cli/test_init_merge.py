"""`whydesk init` on a whydesk.yaml that is there: a second tenant comes beside the first, and nothing of the first is lost."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import application
from settings import Settings
from tests.cli.command import Said, Shell

MINE = """\
# Our own words.
tenants:
  # The first one, by hand.
  acme:
    mode: note   # they like it
    helpdesks:
      zendesk:
        kind: zendesk
        base_url: https://acme.zendesk.example
        email: whydesk@acme.example
        token: env:ZENDESK_TOKEN
        webhook_secrets: [env:ZENDESK_WEBHOOK_SECRET]
        actor_id: "12345"
    connectors:
      clickhouse: {url: "https://logs.acme.example:8443", user: whydesk, password: env:CLICKHOUSE_PASSWORD}
    tables:
      requests: {table: edge.http_log, columns: {customer: org_id}}   # took an afternoon
"""
ENV = "# ours\nZENDESK_TOKEN=of-acme\nZENDESK_WEBHOOK_SECRET=also-of-acme\nCLICKHOUSE_PASSWORD=pw\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "whydesk.yaml").write_text(MINE)
    (tmp_path / ".env").write_text(ENV)
    return tmp_path


def init(whydesk: Shell, tenant: str, *arguments: str, helpdesk: str = "zendesk") -> Said:
    return whydesk("init", "--no-ask", "--tenant", tenant, "--helpdesk", helpdesk, *arguments)


def config(folder: Path) -> str:
    return (folder / "whydesk.yaml").read_text()


def load(folder: Path) -> Settings:
    names = re.findall(r"env:(\w+)", config(folder))
    return Settings.load(dict.fromkeys(names, "filled"), folder / "whydesk.yaml")


def test_a_second_tenant_comes_beside_the_first_with_variables_of_its_own(whydesk: Shell, folder: Path) -> None:
    said = init(whydesk, "beta-gmbh", "--connector", "clickhouse", "--connector", "stripe", "--force")
    assert (said.code, said.err) == (0, "")
    assert config(folder).startswith(MINE), "every word of the first one stands"
    tenants = load(folder).tenants
    assert list(tenants) == ["acme", "beta-gmbh"]
    beta = tenants["beta-gmbh"].helpdesks["zendesk"]
    assert str(beta.token) == "env:BETA_GMBH_ZENDESK_TOKEN", "a key of one is not another's"
    text = (folder / ".env").read_text()
    assert text.startswith(ENV)
    added = ("ZENDESK_TOKEN", "ZENDESK_WEBHOOK_SECRET", "CLICKHOUSE_PASSWORD", "STRIPE_KEY")
    assert re.findall(r"^(\w+)=$", text, re.MULTILINE) == [f"BETA_GMBH_{name}" for name in added]
    assert "Put it into .env as BETA_GMBH_ZENDESK_TOKEN" in said.out
    assert "  .env          BETA_GMBH_STRIPE_KEY\n" in said.out
    assert (folder / "whydesk.yaml.bak").read_text() == MINE


def test_it_is_shown_and_asked_first(whydesk: Shell, folder: Path) -> None:
    said = init(whydesk, "beta")
    assert said.code == 2
    assert "+  beta:" in said.out
    assert not [line for line in said.out.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert (config(folder), (folder / ".env").read_text()) == (MINE, ENV)
    arguments = ["init", "--ask", "--tenant", "beta", "--helpdesk", "zendesk"]
    done = CliRunner().invoke(application("init"), arguments, input="none\n\n\n\n\n\nn\n")
    assert done.exit_code == 1
    assert (config(folder), (folder / ".env").read_text()) == (MINE, ENV)


def test_the_same_again_changes_nothing(whydesk: Shell, folder: Path) -> None:
    for tenant, helpdesk in (("beta", "zendesk"), ("gamma", "standard")):
        assert init(whydesk, tenant, "--force", helpdesk=helpdesk).code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for tenant, helpdesk in (("gamma", "standard"), ("beta", "zendesk")):
        assert init(whydesk, tenant, helpdesk=helpdesk).code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_one_tenant_is_written_anew_and_the_others_stay(whydesk: Shell, folder: Path) -> None:
    for tenant in ("beta", "gamma"):
        assert init(whydesk, tenant, "--force").code == 0
    gamma = config(folder).partition("  gamma:")[2]
    assert init(whydesk, "beta", "--connector", "linear", "--force").code == 0
    assert config(folder).startswith(MINE)
    assert config(folder).endswith(gamma)
    assert list(load(folder).tenants) == ["acme", "beta", "gamma"]
    assert "linear" in load(folder).tenants["beta"].connectors


def test_tenants_that_stand_further_in_get_one_as_far_in(whydesk: Shell, folder: Path) -> None:
    (folder / "whydesk.yaml").write_text(re.sub("^  ", "        ", MINE, flags=re.MULTILINE))
    assert init(whydesk, "beta", "--force").code == 0
    assert "\n        beta:\n" in config(folder)
    assert list(load(folder).tenants) == ["acme", "beta"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tenants: {acme: {mode: shadow}}\n", "cannot be put into without changing the rest"),
        ("tenants:\n acme:\n  mode: shadow\n", "cannot be put into without changing the rest"),
        ("tenants:\n  acme:\n\tmode: shadow\n", "whydesk.yaml:3: "),
    ],
)
def test_what_cannot_be_added_to_is_left_alone(text: str, told: str, whydesk: Shell, folder: Path) -> None:
    (folder / "whydesk.yaml").write_text(text)
    said = init(whydesk, "beta", "--force")
    assert said.code == 2
    assert told in said.err
    assert (config(folder), (folder / ".env").read_text()) == (text, ENV)


def test_a_mistake_in_another_tenant_is_told_and_nothing_is_written(whydesk: Shell, folder: Path) -> None:
    broken = MINE.replace("base_url:", "base_ulr:")
    (folder / "whydesk.yaml").write_text(broken)
    said = init(whydesk, "beta", "--force")
    assert said.code == 2
    assert "base_ulr" in said.err
    assert "did you mean 'base_url'?" in said.err
    assert config(folder) == broken
