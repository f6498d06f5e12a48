"""Every problem at once and in its place, secrets nowhere but where they are asked for."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

import located_yaml
from keys.keyring import Keyring
from models.tenant import DocsConfig, SecretRef, ZendeskConfig
from models.vocabulary import Mode, Source
from settings import SETTINGS, ConfigError, Settings, env_example

ACME = """
tenants:
  acme:
    mode: off
    helpdesks:
      zendesk:
        kind: zendesk
        base_url: https://acme.example.com
        email: bot@example.com
        token: env:ZENDESK_TOKEN
        webhook_secrets: ["env:HOOK", "file:hook.txt"]
        actor_id: "77"
    connectors:
      stripe:
        api_key: env:STRIPE_KEY
      docs:
        folder: docs
    models:
      - model: claude-haiku-5-5
        api_key: env:MODEL_KEY
"""
SECRETS = {"ZENDESK_TOKEN": "zd-hunter2", "HOOK": "hk-hunter2", "STRIPE_KEY": "rk-hunter2", "MODEL_KEY": "sk-hunter2"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "hook.txt").write_text("whsec_hunter2\n")
    path = tmp_path / "whydesk.yaml"
    path.write_text(ACME)
    return path


def problems(environ: dict[str, str], path: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Settings.load(environ, path)
    for problem in caught.value.problems:
        assert problem in str(caught.value)
    return list(caught.value.problems)


def change(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def problems_of(path: Path) -> list[str]:
    """The problems without the path of the file, which must start each."""
    found = problems(SECRETS, path)
    assert all(problem.startswith(f"{path}:") for problem in found)
    return [problem.removeprefix(f"{path}:") for problem in found]


def test_nothing_set_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.load({})
    assert settings.tenants == {}
    assert settings.ledger_url.get_secret_value() == f"sqlite:///{tmp_path}/.whydesk/ledger.db"
    assert (settings.gateway_host, settings.gateway_port, settings.metrics_port) == ("127.0.0.1", 8088, 0)
    assert (settings.temporal_namespace, settings.temporal_tls, settings.temporal_api_key) == ("default", None, None)


def test_environment_is_read(config: Path) -> None:
    environ = SECRETS | {
        "WHYDESK_CONFIG": str(config),
        "WHYDESK_STATE": "/var/lib/whydesk",
        "WHYDESK_LEDGER_URL": "postgresql://u:hunter2@db.example.com/w",
        "TEMPORAL_ADDRESS": "temporal.example.com:7233",
        "TEMPORAL_API_KEY": "key-hunter2",
        "TEMPORAL_TLS": "true",
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(config),
        "WHYDESK_GATEWAY_PORT": "9000",
        "WHYDESK_LOG_FORMAT": "console",
        "BUILD_ID": "abc",
        "UNRELATED": "x",
    }
    settings = Settings.load(environ)
    assert settings.temporal_address == "temporal.example.com:7233"
    assert settings.temporal_api_key == SecretStr("key-hunter2")
    assert settings.temporal_tls is True
    assert settings.temporal_tls_server_ca_cert_path == config
    assert settings.gateway_port == 9000
    assert settings.state == Path("/var/lib/whydesk")
    assert settings.ledger_url.get_secret_value().startswith("postgresql")
    assert list(settings.tenants) == ["acme"]


def test_tenant_is_read_with_its_id_its_folders_and_off_as_a_word(config: Path) -> None:
    tenant = Settings.load(SECRETS, config).tenants["acme"]
    assert (tenant.id, tenant.mode) == ("acme", Mode.OFF)
    docs = tenant.connectors[Source.DOCS]
    assert isinstance(docs, DocsConfig)
    assert docs.folder == str(config.parent / "docs")
    assert isinstance(tenant.helpdesks["zendesk"], ZendeskConfig)


def test_secrets_are_given_by_reference_and_shown_nowhere(config: Path) -> None:
    settings = Settings.load(SECRETS | {"TEMPORAL_API_KEY": "key-hunter2"}, config)
    assert settings.secret("env:STRIPE_KEY").get_secret_value() == "rk-hunter2"
    assert settings.secret("env:HOOK").get_secret_value() == "hk-hunter2"
    assert settings.secret("file:hook.txt").get_secret_value() == "whsec_hunter2"
    with pytest.raises(KeyError, match="env:OTHER"):
        settings.secret("env:OTHER")
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(vars(settings)), repr(settings.copy)):
        assert "hunter2" not in shown


def test_a_problem_names_what_stands_there_and_what_to_do(config: Path) -> None:
    text = config.read_text()
    config.write_text("mode: [a\nother: b\n")
    assert any(f"{config}:2: " in one and "begins at line 1" in one for one in problems(SECRETS, config))
    config.write_text("tenants:\n  acme:\n    connectors:\n      clickhouse: {url: 'htp://127.0.0.1:1'}\n")
    assert any("'htp://127.0.0.1:1': URL scheme should be" in one for one in problems(SECRETS, config))
    config.write_text(text)
    lacking = {name: value for name, value in SECRETS.items() if name != "STRIPE_KEY"}
    assert any("no STRIPE_KEY; set it in .env beside whydesk.yaml" in one for one in problems(lacking, config))


def test_problems_of_the_environment_come_together() -> None:
    environ = {
        "WHYDESK_GATEWAY_PORT": "eighty",
        "WHYDESK_METRICS_PORT": "70000",
        "WHYDESK_LOG_LEVEL": "loud",
        "TEMPORAL_TLS": "perhaps",
        "TEMPORAL_CLI_PATH": "/nowhere/temporal",
        "WHYDESK_GATEWAY_PROT": "1",
        "WHYDESK_CONFIG": "/nowhere/whydesk.yaml",
    }
    found = problems(environ)
    assert len(found) == 7
    text = "\n".join(found)
    assert "WHYDESK_GATEWAY_PORT: 'eighty' is not a port, 0 to 65535" in text
    assert "WHYDESK_METRICS_PORT: '70000'" in text
    assert "WHYDESK_LOG_LEVEL: 'loud' is not one of debug, info, warning, error" in text
    assert "TEMPORAL_CLI_PATH: '/nowhere/temporal' is not the path of a file" in text
    assert "WHYDESK_GATEWAY_PROT: unknown setting; did you mean 'WHYDESK_GATEWAY_PORT'?" in text
    assert "/nowhere/whydesk.yaml: cannot be read (No such file or directory)" in text


def test_every_problem_of_the_file_has_its_line_and_path(config: Path) -> None:
    change(config, "email:", "emial:")
    change(config, 'actor_id: "77"', "actor_id: 77")
    change(config, "https://acme.example.com", "not-a-url")
    change(config, "mode: off", "mode: on")
    change(config, "- model: claude-haiku-5-5", "- model: claude-haiku-5-5\n        timeout: soon")
    assert problems_of(config) == [
        "4: tenants.acme.mode: 'on': input should be 'off', 'shadow' or 'note'",
        "8: tenants.acme.helpdesks.zendesk.base_url: 'not-a-url': input should be a valid URL, relative URL without a base",
        "6: tenants.acme.helpdesks.zendesk.email: is missing; it is required",
        "12: tenants.acme.helpdesks.zendesk.actor_id: 77: input should be a valid string (write it in quotes)",
        "9: tenants.acme.helpdesks.zendesk.emial: unknown key; did you mean 'email'?",
        "20: tenants.acme.models.0.timeout: 'soon': input should be a valid number, unable to parse string as a number",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: zendesk", "kind: zendask", "7: tenants.acme.helpdesks.zendesk.kind: 'zendask' is not a kind"),
        ("        kind: zendesk\n", "", "6: tenants.acme.helpdesks.zendesk.kind: is missing"),
        ("  acme:", "  Acme Inc:", "3: tenants.Acme Inc: 'Acme Inc' is not a tenant's id"),
        ("tenants:", "tennants:", "2: tennants: unknown key; did you mean 'tenants'?"),
        ("      zendesk:", "      Zen/Desk:", "6: tenants.acme.helpdesks.Zen/Desk: 'Zen/Desk' is not a name"),
        ("folder: docs", "folder: dogs", "17: tenants.acme.connectors.docs.folder: 'dogs' is not a folder"),
        (
            "mode: off",
            "console_url: ftp://x/{investigation}",
            "4: tenants.acme.console_url: 'ftp://x/{investigation}': ",
        ),
        ("mode: off", "console_url: https://x.example.com/runs", "4: tenants.acme.console_url: "),
        ("mode: off", "console_url: https://{investigation}.example.com/", "4: tenants.acme.console_url: "),
        ("mode: off", "redact: {ID: '(x'}", "4: tenants.acme.redact.ID: '(x': no regular expression: "),
        ("mode: off", "redact: {ID: 'x*'}", "4: tenants.acme.redact.ID: 'x*': matches the empty text"),
        ("mode: off", "redact: {id: 'x'}", "4: tenants.acme.redact.id"),
        ("mode: off", "id: other", "4: tenants.acme.id: unknown key; a tenant's id is the key"),
        ("stripe:", "strype:", "14: tenants.acme.connectors.strype: unknown key; did you mean 'stripe'?"),
        (
            "env:STRIPE_KEY",
            "env:STRIPE",
            "15: tenants.acme.connectors.stripe.api_key: 'env:STRIPE': the environment has no",
        ),
        ("file:hook.txt", "file:hok.txt", "11: tenants.acme.helpdesks.zendesk.webhook_secrets.1: 'file:hok.txt': "),
        ("mode: off", "mode: off\n    mode: note", "5: tenants.acme.mode: written twice, first in line 4"),
        ("connectors:", "connectors: [", "0: "),
        ("    models:", "    models: &m\n      - *m", "0: "),
    ],
)
def test_problem_is_said(config: Path, old: str, new: str, said: str) -> None:
    change(config, old, new)
    found = problems(SECRETS, config)
    if said == "0: ":
        assert len(found) == 1
        assert found[0].startswith(str(config))
    else:
        assert any(problem.startswith(f"{config}:{said}") for problem in found), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("env:STRIPE_KEY", "rk_live_hunter2"),
        ("env:STRIPE_KEY", "[hunter2]"),
        ('["env:HOOK", "file:hook.txt"]', '["whsec_hunter2"]'),
        ("api_key: env:MODEL_KEY", "apikey: hunter2"),
        ("https://acme.example.com", "htps//user:hunter2@acme.example.com"),
        ("https://acme.example.com", "ftp://user:hunter2@acme.example.com"),
    ],
)
def test_secret_in_the_wrong_place_is_not_repeated(config: Path, old: str, new: str) -> None:
    change(config, old, new)
    assert "hunter2" not in "\n".join(problems_of(config))


def test_empty_and_foreign_files_are_said(tmp_path: Path) -> None:
    path = tmp_path / "whydesk.yaml"
    for text in ("", "- a\n", "tenants: []\n", "tenants:\n  acme: 3\n"):
        path.write_text(text)
        assert len(problems({}, path)) == 1
    path.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in problems({}, path)[0]


def test_merged_keys_may_be_overridden(config: Path) -> None:
    change(config, "      stripe:\n", "      stripe: &key\n        metadata_key: a\n")
    change(config, "    models:\n      - model", "    models:\n      - &base\n        model")
    config.write_text(config.read_text() + "      - <<: *base\n        model: claude-opus-5\n")
    assert [model.model for model in Settings.load(SECRETS, config).tenants["acme"].models] == [
        "claude-haiku-5-5",
        "claude-opus-5",
    ]


def test_a_model_id_that_the_sdk_does_not_know_is_said_with_what_was_probably_meant(config: Path) -> None:
    classifier = "    classifier:\n      model: gpt-x\n      api_key: env:MODEL_KEY\n"
    config.write_text(config.read_text().replace("    models:", f"{classifier}    models:"))
    change(config, "- model: claude-haiku-5-5", "- model: claude-haiku-5.5")
    mistyped, foreign = problems_of(config)
    assert mistyped == (
        "22: tenants.acme.models.0.model: 'claude-haiku-5.5' is no model of anthropic; did you mean 'claude-haiku-5-5'?"
    )
    assert foreign.startswith("19: tenants.acme.classifier.model: 'gpt-x' is no model of anthropic; known: claude-")


def test_behind_a_gateway_a_model_may_have_any_name(config: Path) -> None:
    change(config, "- model: claude-haiku-5-5", "- model: house/fast\n        base_url: https://models.example.com")
    assert Settings.load(SECRETS, config).tenants["acme"].models[0].model == "house/fast"


def test_table_of_settings_is_the_settings() -> None:
    fields = set(Settings.model_fields) - {"tenants"}
    assert {setting.field for setting in SETTINGS} == fields
    assert all(setting.help for setting in SETTINGS)


def test_defaults_load_as_they_stand_in_env_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^# ([A-Z_]+)=(.*)$", env_example(), re.MULTILINE)
    environ = {name: value for name, value in lines if name != "WHYDESK_CONFIG"}
    assert Settings.load(environ) == Settings.load({})
    assert len(lines) == len(SETTINGS)


def test_pattern_of_references_is_that_of_the_models() -> None:
    assert located_yaml._REF_PATTERN in str(SecretRef)


def test_mapping_that_the_guard_refuses_is_said_before_anything_starts(config: Path) -> None:
    tables = """
    tables:
      requests: {table: "edge.log; DROP TABLE x"}
      accounts: {table: crm.accounts, columns: {plan: "file('/etc/passwd')"}}
      invoices: {table: billing.invoices}
"""
    config.write_text(config.read_text() + tables)
    found = problems_of(config)
    assert [problem.split(": ")[1] for problem in found] == [
        "tenants.acme.tables.requests",
        "tenants.acme.tables.accounts",
        "tenants.acme.tables.invoices",
    ]
    assert "is no table name" in found[0]
    assert "there are accounts, requests, usage, webhook_attempts" in found[2]


def test_master_keys_are_read_by_reference_in_any_order_of_separators(tmp_path: Path) -> None:
    keys = Keyring.generate("b").text() + Keyring.generate("a").text()
    (tmp_path / "keys").write_text(keys)
    from_file = Settings.load({"WHYDESK_MASTER_KEYS": f"file:{tmp_path}/keys"}).keyring()
    from_environment = Settings.load({"WHYDESK_MASTER_KEYS": "env:OURS", "OURS": keys.replace("\n", ",")}).keyring()
    assert from_file == from_environment == Keyring.parse(keys)
    config = tmp_path / "whydesk.yaml"
    config.write_text("tenants: {}")
    beside = Settings.load({"WHYDESK_MASTER_KEYS": "file:keys"}, config)
    assert beside.keyring() == from_file
    assert beside.master_keys == f"file:{tmp_path}/keys", "children read it from elsewhere"
    shown = repr(Settings.load({"WHYDESK_MASTER_KEYS": "env:OURS", "OURS": keys}))
    assert keys.splitlines()[0] not in shown


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"WHYDESK_MASTER_KEYS": "a:c2hvcnQ="}, "what is set is not env:NAME or file:PATH"),
        ({"WHYDESK_MASTER_KEYS": "env:OURS"}, "the environment has no OURS"),
        ({"WHYDESK_MASTER_KEYS": "file:/nowhere/keys"}, "'/nowhere/keys' cannot be read"),
        ({"WHYDESK_MASTER_KEYS": "env:OURS", "OURS": "a:c2hvcnQ="}, "key 'a' has 5 bytes instead of 32"),
        ({"WHYDESK_MASTER_KEYS": "env:OURS", "OURS": "c2hvcnQ="}, "entry 1 of the keyring is not `id:base64`"),
    ],
)
def test_master_keys_that_cannot_be_used_are_a_problem_like_any_other(environ: dict[str, str], says: str) -> None:
    [problem] = problems(environ)
    assert problem.startswith("WHYDESK_MASTER_KEYS: ")
    assert says in problem
    assert "c2hvcnQ" not in problem


def test_one_machine_makes_its_own_master_keys_when_they_are_first_needed(tmp_path: Path) -> None:
    settings = Settings.load({"WHYDESK_STATE": str(tmp_path / "state")})
    assert not settings.key_file.exists(), "reading the settings writes nothing"
    keys = settings.keyring()
    assert settings.key_file == tmp_path / "state" / "master.keys"
    assert settings.keyring() == keys == Settings.load({"WHYDESK_STATE": str(tmp_path / "state")}).keyring()
    settings.key_file.chmod(0o644)
    with pytest.raises(ConfigError, match="has mode 0644"):
        Settings.load({"WHYDESK_STATE": str(tmp_path / "state")}).keyring()


@pytest.mark.parametrize(
    ("name", "value"),
    [("TEMPORAL_ADDRESS", "temporal.example.com:7233"), ("WHYDESK_LEDGER_URL", "postgresql://db.example.com/w")],
)
def test_what_others_read_too_is_not_sealed_with_the_keys_of_one_machine(name: str, value: str, tmp_path: Path) -> None:
    settings = Settings.load({name: value, "WHYDESK_STATE": str(tmp_path)})
    with pytest.raises(ConfigError, match=rf"because {name} is set: .* `whydesk keys new --into FILE`"):
        settings.keyring()
    assert not settings.key_file.exists()
