"""`whydesk init`: what it writes loads, what stands there stays, what is wrong is told, and a first answer comes of it."""

import asyncio
import re
import socket
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.init_parts import CONNECTORS, HELPDESKS
from cli.main import application
from cli.world_tenant import SandboxState
from connectors.registry import SOURCES
from helpdesks.standard_inbound import decode_secret
from models.vocabulary import Mode, Source
from sandbox.run import Sandbox
from settings import Settings
from tests.cli.command import Said, Shell

PARTS = [*HELPDESKS.values(), *CONNECTORS.values()]
ALL = [argument for name in CONNECTORS for argument in ("--connector", name)]


def load(folder: Path) -> Settings:
    text = (folder / "whydesk.yaml").read_text()
    return Settings.load(dict.fromkeys(re.findall(r"env:(\w+)", text), "filled"), folder / "whydesk.yaml")


def init(whydesk: Shell, *arguments: str, helpdesk: str = "zendesk") -> Said:
    return whydesk("init", "--no-ask", "--tenant", "acme", "--helpdesk", helpdesk, *arguments)


def test_every_source_has_a_part_and_every_secret_a_variable_of_its_own() -> None:
    assert set(CONNECTORS) == {source.value for source in SOURCES}
    variables = [secret.variable for part in PARTS for secret in part.secrets]
    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize("helpdesk", HELPDESKS)
def test_what_is_written_loads_in_shadow_mode(helpdesk: str, whydesk: Shell, tmp_path: Path) -> None:
    said = init(whydesk, *ALL, helpdesk=helpdesk)
    assert (said.code, said.err) == (0, "")
    tenant = load(tmp_path).tenants["acme"]
    assert tenant.mode is Mode.SHADOW
    assert set(tenant.connectors) == set(SOURCES)
    assert tenant.helpdesks[helpdesk].kind == helpdesk


@pytest.mark.parametrize("helpdesk", HELPDESKS)
def test_each_key_has_a_comment_above(helpdesk: str, whydesk: Shell, tmp_path: Path) -> None:
    init(whydesk, *ALL, helpdesk=helpdesk)
    lines = (tmp_path / "whydesk.yaml").read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"^ {2,8}\w+:", line)]
    assert len(keys) > 30
    assert [lines[number] for number in keys if not lines[number - 1].lstrip().startswith("# ")] == []
    lines = (tmp_path / ".env").read_text().splitlines()
    variables = [number for number, line in enumerate(lines) if re.match(r"^\w+=", line)]
    assert [lines[number] for number in variables if not lines[number - 1].startswith("# ")] == []


def test_a_place_holder_leads_to_nobody() -> None:
    """A key that was filled in before an address must not be sent to a stranger's host."""
    for part in PARTS:
        for key in part.keys:
            if key.kind in ("url", "pages"):
                assert re.search(r"\.example(:\d+)?(/|$)", key.value), f"{part.name}.{key.name}"


def test_secrets_are_for_their_owner_alone_and_shown_nowhere(whydesk: Shell, tmp_path: Path) -> None:
    said = init(whydesk, helpdesk="standard")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    [secret] = re.findall(r"^STANDARD_WEBHOOK_SECRET=(.+)$", (tmp_path / ".env").read_text(), re.MULTILINE)
    assert secret.startswith("whsec_")
    assert len(decode_secret(secret)) == 32
    assert secret not in said.out + said.err
    assert secret not in (tmp_path / "whydesk.yaml").read_text()
    other = tmp_path / "other"
    init(whydesk, "--dir", str(other), helpdesk="standard")
    assert secret not in (other / ".env").read_text()


def test_zendesk_makes_its_secret_itself(whydesk: Shell, tmp_path: Path) -> None:
    said = init(whydesk, "--gateway", "https://whydesk.acme.example/")
    assert "\nZENDESK_WEBHOOK_SECRET=\n" in (tmp_path / ".env").read_text()
    assert "Endpoint URL: https://whydesk.acme.example/hooks/acme/zendesk\n" in said.out
    assert "Ticket created, Comment added to ticket, Tags changed" in said.out
    assert "reveal its signing secret" in said.out


def test_the_same_again_changes_nothing(whydesk: Shell, tmp_path: Path) -> None:
    init(whydesk, "--connector", "stripe", helpdesk="standard")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    said = init(whydesk, "--connector", "stripe", helpdesk="standard")
    assert said.code == 0
    assert "as it is " in said.out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_something_else_is_shown_and_not_written_unasked(whydesk: Shell, tmp_path: Path) -> None:
    init(whydesk, "--connector", "stripe")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    said = init(whydesk, "--connector", "linear")
    assert said.code == 2
    assert "-      stripe:" in said.out
    assert "+      linear:" in said.out
    assert "+ LINEAR_KEY (empty, to be filled in)" in said.out
    assert "nothing was written" in said.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_force_keeps_every_earlier_file_and_every_value(whydesk: Shell, tmp_path: Path) -> None:
    config, env = tmp_path / "whydesk.yaml", tmp_path / ".env"
    config.write_text("# mine\n")
    env.write_text("MINE=1\nSTRIPE_KEY=rk_mine\nSTANDARD_WEBHOOK_SECRET=\n")
    env.chmod(0o644)
    for name in ("stripe", "linear"):
        assert init(whydesk, "--force", "--connector", name, helpdesk="standard").code == 0
    assert (tmp_path / "whydesk.yaml.bak").read_text() == "# mine\n"
    assert "stripe:" in (tmp_path / "whydesk.yaml.bak1").read_text()
    assert "linear:" in config.read_text()
    text = env.read_text()
    assert text.startswith("MINE=1\nSTRIPE_KEY=rk_mine\nSTANDARD_WEBHOOK_SECRET=whsec_")
    assert text.count("STANDARD_WEBHOOK_SECRET=") == 1
    assert "\nLINEAR_KEY=\n" in text
    assert env.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".env.*")), "a second copy of the secrets"


def test_an_env_that_others_can_read_is_closed(whydesk: Shell, tmp_path: Path) -> None:
    init(whydesk)
    (tmp_path / ".env").chmod(0o644)
    assert "closed " in init(whydesk).out
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link_and_its_file_is_written(whydesk: Shell, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "keys").write_text("MINE=1\n")
    folder = tmp_path / "with blank"
    folder.mkdir()
    (folder / ".env").symlink_to(store / "keys")
    said = init(whydesk, "--force", "--dir", str(folder))
    assert (folder / ".env").is_symlink()
    assert (store / "keys").read_text().startswith("MINE=1\n")
    assert "\nZENDESK_TOKEN=\n" in (store / "keys").read_text()
    assert f"Next: cd '{folder}' && whydesk doctor" in said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--connector", "clickhose"), "no connector 'clickhose'; did you mean 'clickhouse'? There are: "),
        (("--helpdesk", "zendesc"), "no helpdesk 'zendesc'; did you mean 'zendesk'?"),
        (("--tenant", "Acme Inc"), "'Acme Inc' is not a tenant's id; expected lower-case"),
        (("--gateway-port", "70000"), "--gateway-port '70000' is not a port; write a number from 1 to 65535"),
        (("--gateway-port", "http"), "--gateway-port 'http' is not a port"),
        (("--gateway", "whydesk"), "'whydesk' is not an http(s) address"),
        (("--set", "zendesk.base_url=https://acme.example:99999"), "(invalid port number)"),
        (("--set", "zendesk.base_ulr=https://acme.example"), "no key of zendesk 'base_ulr'; did you mean 'base_url'?"),
        (("--set", "stripe.metadata_key=id"), "no chosen helpdesk or connector 'stripe'."),
        (("--set", "zendesk.token=hunter2"), "--set zendesk.token: a secret belongs into .env"),
        (("--set", "zendesk"), "write PART.KEY=VALUE"),
        (("--set", "zendesk.actor_id="), "actor_id must not be empty"),
        (("--connector", "github", "--set", "github.repositories=gateway"), "'gateway' is not a repository"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(
    arguments: tuple[str, ...], told: str, whydesk: Shell, tmp_path: Path
) -> None:
    said = init(whydesk, *arguments)
    assert said.code == 2
    assert told in said.err
    assert "hunter2" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_told(whydesk: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = init(whydesk, "--dir", str(tmp_path / "file" / "inside"))
    assert said.code == 2
    assert f"nothing can be written in {str(tmp_path / 'file' / 'inside')!r} (Not a directory)" in said.err


def test_without_a_terminal_what_is_needed_is_named(whydesk: Shell) -> None:
    said = whydesk("init", "--no-ask")
    assert said.code == 2
    assert "whydesk init --tenant acme --helpdesk zendesk" in said.err


def test_a_port_goes_into_env_and_one_that_is_taken_is_told(whydesk: Shell, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = init(whydesk, "--gateway-port", str(port))
    assert f"\nWHYDESK_GATEWAY_PORT={port}\n" in (tmp_path / ".env").read_text()
    assert f"Port {port} is in use on this machine now" in said.out
    said = init(whydesk, "--gateway-port", "1")
    assert f"WHYDESK_GATEWAY_PORT stays {port}: it was set already" in said.out


def test_signs_of_yaml_in_an_answer_stay_text(whydesk: Shell, tmp_path: Path) -> None:
    nasty = 'Account "id": #1 \\ [x] Zürich'
    assert init(whydesk, "--set", f"zendesk.customer_field={nasty}").code == 0
    tenant = yaml.safe_load((tmp_path / "whydesk.yaml").read_text())["tenants"]["acme"]
    assert tenant["helpdesks"]["zendesk"]["customer_field"] == nasty


def test_a_person_is_asked_and_asked_again_for_what_does_not_fit(whydesk: Shell, tmp_path: Path) -> None:
    answers = [
        "Acme Inc",
        "acme",
        "standard",
        "clickhose",
        "clickhouse, docs",
        "https://desk.acme.example/tickets/{ticket}",
        "https://desk.acme.example:99999/notes",
        "https://desk.acme.example/notes",
        "",
        "Account id",
        "https://logs.acme.example:8443",
        "",
        "edge",
        "",
        "https://whydesk.acme.example",
    ]
    done = CliRunner().invoke(application("init"), ["init", "--ask"], input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    assert done.output.count("Error: ") == 3
    assert "did you mean 'clickhouse'?" in done.output
    assert "https://whydesk.acme.example/hooks/acme/standard" in done.output
    assert (
        "  whydesk.yaml  docs.site\n  .env          STANDARD_TOKEN\n  .env          CLICKHOUSE_PASSWORD\n"
        in done.output
    )
    written = yaml.safe_load((tmp_path / "whydesk.yaml").read_text())["tenants"]["acme"]
    assert list(written["connectors"]) == ["clickhouse", "docs"]
    assert written["connectors"]["clickhouse"]["database"] == "edge"
    assert written["connectors"]["clickhouse"]["user"] == "whydesk"
    assert written["helpdesks"]["standard"]["customer_field"] == "Account id"


@pytest.mark.parametrize(("answer", "changed"), [("y", True), ("n", False), ("", False)])
def test_a_person_is_asked_before_anything_is_replaced(
    answer: str, changed: bool, whydesk: Shell, tmp_path: Path
) -> None:
    config = tmp_path / "whydesk.yaml"
    config.write_text("# mine\n")
    arguments = ["init", "--ask", "--tenant", "acme", "--helpdesk", "zendesk"]
    done = CliRunner().invoke(application("init"), arguments, input="none\n\n\n\n\n\n" + answer + "\n")
    assert "-# mine" in done.output
    assert done.exit_code == (0 if changed else 1)
    assert (config.read_text() != "# mine\n") is changed
    assert (tmp_path / "whydesk.yaml.bak").exists() is changed
    assert (tmp_path / ".env").exists() is changed


def test_an_end_of_input_writes_nothing(whydesk: Shell, tmp_path: Path) -> None:
    done = CliRunner().invoke(application("init"), ["init", "--ask"], input="acme\nzendesk\n")
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []


async def test_what_is_filled_in_is_examined_at_once_and_the_rest_is_asked_of_nobody(
    whydesk: Shell, tmp_path: Path, sandbox: Sandbox
) -> None:
    state = SandboxState.model_validate(sandbox.state())
    at, secrets = state.addresses, state.secrets()
    arguments = ["--connector", "clickhouse", "--connector", "stripe", "--connector", "linear"]
    arguments += ["--set", f"clickhouse.url={at['clickhouse']}"]
    for name in ("ticket_url", "note_url"):
        arguments += ["--set", f"standard.{name}={state.credentials['standard'][name]}"]
    arguments += ["--set", f"clickhouse.user={state.credentials['clickhouse']['user']}"]
    known = ("STANDARD_TOKEN", "STANDARD_WEBHOOK_SECRET", "CLICKHOUSE_PASSWORD")
    (tmp_path / ".env").write_text("".join(f"{name}={secrets[name]}\n" for name in known))
    said = await asyncio.to_thread(init, whydesk, "--force", *arguments, helpdesk="standard")
    assert said.code == 0, said.err
    assert "acme · helpdesk standard · " in said.out
    assert "acme · connector clickhouse · " in said.out
    assert "no table is mapped" in said.out
    assert "connector stripe" not in said.out
    assert "  .env          STRIPE_KEY\n  .env          LINEAR_KEY\n" in said.out
    assert not [value for value in secrets.values() if value and value in said.out]

    env = (tmp_path / ".env").read_text()
    for name in ("STRIPE_KEY", "LINEAR_KEY"):
        env = env.replace(f"{name}=\n", f"{name}={secrets[name]}\n")
    (tmp_path / ".env").write_text(env)
    config = tmp_path / "whydesk.yaml"
    text = config.read_text()
    for name in ("stripe", "linear"):
        text = text.replace(f"      {name}:\n", f'      {name}:\n        url: "{at[name]}"\n')
    config.write_text(text)
    said = await asyncio.to_thread(whydesk, "doctor", "--json")
    assert said.code == 0, said.out + said.err
    assert Source.STRIPE.value in said.out


def test_each_key_and_secret_says_what_it_is_in_a_sentence() -> None:
    said = [key.says for part in PARTS for key in part.keys]
    said += [secret.says for part in PARTS for secret in part.secrets]
    assert [text for text in said if len(text) < 20 or not text.endswith(".")] == []
