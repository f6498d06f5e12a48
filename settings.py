"""The only reader of the environment and of whydesk.yaml: every problem at once, with its place, and no secret shown."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from pydantic import PrivateAttr, SecretStr, ValidationError

from connectors.registry import SOURCES, plugin
from keys.key_file import ensure_key_file
from keys.keyring import Keyring, KeyringError
from located_yaml import Document, YamlPath, did_you_mean, explain, shown
from models.base import Strict
from models.tenant import DocsConfig, Reached, Tenant
from models.vocabulary import Source
from reasoning.providers.anthropic_models import known_models, vendor_id
from reasoning.sql import SqlRefused, check_mapping
from secret_references import read_secret, resolve_secrets


@dataclass(frozen=True)
class Setting:
    """One variable of the environment. The field of `Settings` has its name in lower case without `WHYDESK_`."""

    name: str
    kind: str
    """A key of `_KINDS`, or choices: `json|console`."""
    default: str
    help: str

    @property
    def field(self) -> str:
        """The name of the field that holds it."""
        return self.name.lower().removeprefix("whydesk_")


SETTINGS = (
    Setting("TEMPORAL_ADDRESS", "text", "", "Temporal's host:port; empty starts a local server"),
    Setting("TEMPORAL_NAMESPACE", "text", "default", "Temporal's namespace"),
    Setting("TEMPORAL_API_KEY", "secret", "", "API key, for Temporal Cloud; turns TLS on"),
    Setting("TEMPORAL_TLS", "flag", "", "true or false; empty: on where there is an API key or a certificate"),
    Setting("TEMPORAL_TLS_SERVER_NAME", "text", "", "Name to expect in the server's certificate"),
    Setting(
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "file", "", "PEM file of the authority that signed the server's certificate"
    ),
    Setting("TEMPORAL_TLS_CLIENT_CERT_PATH", "file", "", "PEM file of our certificate, for mTLS"),
    Setting("TEMPORAL_TLS_CLIENT_KEY_PATH", "file", "", "PEM file of our key, for mTLS"),
    Setting("TEMPORAL_CLI_PATH", "file", "", "The temporal command that runs the local server; empty looks for one"),
    Setting("WHYDESK_CONFIG", "path", "whydesk.yaml", "The tenants' configuration"),
    Setting("WHYDESK_STATE", "path", ".whydesk", "Folder of the local server's and the ledger's files"),
    Setting(
        "WHYDESK_LEDGER_URL", "secret", "", "sqlite:///PATH or postgresql://…; empty is ledger.db in the state folder"
    ),
    Setting(
        "WHYDESK_MASTER_KEYS",
        "reference",
        "",
        "Where the master keys are, env:NAME or file:PATH; empty is master.keys in the state folder, for one machine only",
    ),
    Setting("WHYDESK_LOG_LEVEL", "debug|info|warning|error", "info", "The least level that is logged"),
    Setting("WHYDESK_LOG_FORMAT", "json|console", "json", "One JSON object per line, or lines for people"),
    Setting("WHYDESK_GATEWAY_HOST", "text", "127.0.0.1", "Address that the gateway listens on"),
    Setting("WHYDESK_GATEWAY_PORT", "port", "8088", "Port that the gateway listens on"),
    Setting("WHYDESK_METRICS_HOST", "text", "127.0.0.1", "Address that the worker's Prometheus metrics are served on"),
    Setting("WHYDESK_METRICS_PORT", "port", "0", "Port of the worker's Prometheus metrics; 0 is off"),
    Setting("WHYDESK_CODEC_HOST", "text", "127.0.0.1", "Address that the codec server listens on"),
    Setting("WHYDESK_CODEC_PORT", "port", "8089", "Port that the codec server listens on"),
    Setting(
        "WHYDESK_CODEC_ORIGINS",
        "text",
        "http://127.0.0.1:8233,http://localhost:8233",
        "Where Temporal's UI is, with commas: its pages alone may ask the codec server",
    ),
    Setting("WHYDESK_CODEC_TOKEN", "reference", "", "Where the codec server's bearer token is, env:NAME or file:PATH"),
    Setting("WHYDESK_CODEC_OIDC_ISSUER", "text", "", "OpenID provider whose tokens the codec server takes, https://…"),
    Setting("WHYDESK_CODEC_OIDC_AUDIENCE", "text", "", "Audience that such a token must be for"),
    Setting("BUILD_ID", "text", "", "The worker's version in production; empty on a machine of one's own"),
)


class ConfigError(Exception):
    """The configuration cannot be used. `problems` has one line for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        """Print all of them."""
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{count} in the configuration:", *(f"  {problem}" for problem in problems)]))


class Settings(Strict):
    """All that the processes of one installation need to know."""

    temporal_address: str
    temporal_namespace: str
    temporal_api_key: SecretStr | None
    temporal_tls: bool | None
    temporal_tls_server_name: str
    temporal_tls_server_ca_cert_path: Path | None
    temporal_tls_client_cert_path: Path | None
    temporal_tls_client_key_path: Path | None
    temporal_cli_path: Path | None
    config: Path
    state: Path
    ledger_url: SecretStr
    master_keys: str
    log_level: str
    log_format: str
    gateway_host: str
    gateway_port: int
    metrics_host: str
    metrics_port: int
    codec_host: str
    codec_port: int
    codec_origins: str
    codec_token: str
    codec_oidc_issuer: str
    codec_oidc_audience: str
    build_id: str
    tenants: dict[str, Tenant]
    _secrets: dict[str, SecretStr] = PrivateAttr(default_factory=dict)
    _keyring: Keyring | None = PrivateAttr(default=None)

    @classmethod
    def load(cls, environ: Mapping[str, str], config_path: Path | None = None) -> Self:
        """Read everything once.

        Args:
            environ: The environment.
            config_path: Counts before WHYDESK_CONFIG. The default file may be absent: then there are no tenants.

        Raises:
            ConfigError: with all problems of both.
        """
        problems: list[str] = []
        values = _read_environment(environ, problems)
        named = config_path is not None or bool(environ.get("WHYDESK_CONFIG"))
        config = config_path or cast(Path, values["config"])
        document = Document.read(config, problems) if named or config.exists() else None
        tenants = _read_tenants(document, problems) if document else {}
        secrets = resolve_secrets(document, tenants, environ, problems) if document else {}
        secrets |= _resolve_own(values, environ, config.absolute().parent, problems)
        keyring = _read_keyring(secrets.get(str(values.get("master_keys"))), problems)
        if problems:
            raise ConfigError(problems)
        state = cast(Path, values["state"]).absolute()
        url = values["ledger_url"] or SecretStr(f"sqlite:///{state}/ledger.db")
        settings = cls.model_validate(
            values | {"config": config.absolute(), "state": state, "ledger_url": url, "tenants": tenants}
        )
        settings._secrets.update(secrets)
        settings._keyring = keyring
        return settings

    @property
    def key_file(self) -> Path:
        """Where the keys of one machine are if WHYDESK_MASTER_KEYS names no others."""
        return self.state / "master.keys"

    def keyring(self) -> Keyring:
        """Return the master keys. On a machine of one's own they are made at the first start.

        Raises:
            ConfigError: other machines would need the same keys and none are named, or `master.keys` cannot be used.
        """
        if self._keyring is None:
            beyond = "TEMPORAL_ADDRESS" if self.temporal_address else ""
            if self.ledger_url.get_secret_value() != f"sqlite:///{self.state}/ledger.db":
                beyond = beyond or "WHYDESK_LEDGER_URL"
            if beyond:
                raise ConfigError(
                    [
                        f"WHYDESK_MASTER_KEYS: needed, because {beyond} is set: every process that works there needs the "
                        "same keys. Make them once with `whydesk keys new --into FILE`, and set "
                        "WHYDESK_MASTER_KEYS=file:FILE, or env:NAME where NAME holds the line of the file"
                    ]
                )
            try:
                self._keyring = ensure_key_file(self.key_file)
            except KeyringError as error:
                raise ConfigError([f"WHYDESK_MASTER_KEYS is not set, and {error}"]) from None
        return self._keyring

    def secret(self, ref: str) -> SecretStr:
        """Return the secret of a reference that stands in whydesk.yaml or in a variable.

        Raises:
            KeyError: neither has that reference.
        """
        if ref not in self._secrets:
            raise KeyError(f"{ref!r} is not a secret reference of {str(self.config)!r}; known: {sorted(self._secrets)}")
        return self._secrets[ref]


def env_example() -> str:
    """Return what .env.example holds."""
    head = (
        "# What Whydesk reads from the environment; each line shows its default.\n"
        "# Secrets of a tenant (ANTHROPIC_API_KEY, STRIPE_KEY …) may have any name: whydesk.yaml refers to them as env:NAME.\n"
    )
    return head + "".join(f"\n# {one.help}\n# {one.name}={one.default}\n" for one in SETTINGS)


def _flag(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


def _port(text: str) -> int:
    return range(65536)[int(text)] if text.isdecimal() else int("")


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError
    return Path(text)


def _reference(text: str) -> str:
    if not re.fullmatch("(env|file):.+", text):
        raise ValueError
    return text


_KINDS: dict[str, tuple[Callable[[str], object], str, object]] = {
    "text": (str, "text", ""),
    "secret": (SecretStr, "text", None),
    "flag": (_flag, "true or false", None),
    "port": (_port, "a port, 0 to 65535", 0),
    "file": (_file, "the path of a file that exists", None),
    "path": (Path, "a path", None),
    "reference": (_reference, "env:NAME or file:PATH", ""),
}
"""Kind to its parser, what is expected, and the value of an empty variable."""


def _read_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for setting in SETTINGS:
        text = environ.get(setting.name) or setting.default
        choices = setting.kind.split("|")
        if len(choices) > 1:
            if text not in choices:
                problems.append(f"{setting.name}: {text!r} is not one of {', '.join(choices)} ({setting.help})")
            values[setting.field] = text
            continue
        parse, expected, empty = _KINDS[setting.kind]
        try:
            values[setting.field] = parse(text) if text else empty
        except (ValueError, KeyError, IndexError):
            # Where a reference is expected, somebody may have put the secret itself.
            told = "what is set" if setting.kind == "reference" else repr(text)
            problems.append(f"{setting.name}: {told} is not {expected} ({setting.help})")
    known = [setting.name for setting in SETTINGS]
    for name in environ:
        if name.startswith("WHYDESK_") and name not in known:
            problems.append(f"{name}: unknown setting{did_you_mean(name, list(known))}")
    return values


def _read_tenants(document: Document, problems: list[str]) -> dict[str, Tenant]:
    if not isinstance(document.data, dict):
        problems.append(document.problem((), "expected a mapping with the key 'tenants'"))
        return {}
    for key in document.data:
        if key != "tenants":
            problems.append(document.problem((key,), f"unknown key{did_you_mean(key, ['tenants'])}"))
    found = document.data.get("tenants")
    if not isinstance(found, dict):
        problems.append(document.problem(("tenants",), "expected a mapping from a tenant's id to its configuration"))
        return {}
    tenants = {key: _read_tenant(document, key, value, problems) for key, value in found.items()}
    return {key: tenant for key, tenant in tenants.items() if tenant is not None}


def _read_tenant(document: Document, key: str, data: object, problems: list[str]) -> Tenant | None:
    at: YamlPath = ("tenants", key)
    if not isinstance(data, dict):
        problems.append(document.problem(at, f"{shown(data, at)} is not a mapping"))
        return None
    if "id" in data:
        problems.append(document.problem((*at, "id"), "unknown key; a tenant's id is the key that it stands under"))
        return None
    connectors = _read_connectors(document, (*at, "connectors"), data.get("connectors", {}), problems)
    try:
        tenant = Tenant.model_validate({**data, "id": key, "connectors": connectors})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            if details["loc"] == ("id",):
                expected = "lower-case letters, digits and hyphens, a letter first, 40 at most"
                problems.append(document.problem(at, f"{key!r} is not a tenant's id; expected {expected}"))
            else:
                problems.append(explain(document, Tenant, at, data, details))
        return None
    for name in tenant.helpdesks:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            expected = "is not a name; expected lower-case letters, digits and hyphens"
            problems.append(document.problem((*at, "helpdesks", name), f"{name!r} {expected}"))
    for logical, mapping in tenant.tables.items():
        try:
            check_mapping(logical, mapping)
        except SqlRefused as refusal:
            problems.append(document.problem((*at, "tables", logical), str(refusal)))
    problems += _unknown_models(document, at, tenant)
    return _with_folders(document, at, tenant, problems)


def _unknown_models(document: Document, at: YamlPath, tenant: Tenant) -> Iterator[str]:
    """A model id is right or wrong before the first ticket; behind a gateway only that knows its own names."""
    known = known_models()
    for place, link in tenant.all_models():
        if link.base_url is None and known and vendor_id(link.model) not in known:
            hint = did_you_mean(link.model, list(known))
            yield document.problem((*at, *place, "model"), f"{link.model!r} is no model of {link.provider}{hint}")


def _read_connectors(document: Document, at: YamlPath, data: object, problems: list[str]) -> dict[Source, Strict]:
    """Each source's part is read by the model that its plugin declares."""
    if not isinstance(data, dict):
        problems.append(document.problem(at, f"{shown(data, at)} is not a mapping"))
        return {}
    read: dict[Source, Strict] = {}
    known = {source.value: source for source in SOURCES}
    for name, part in data.items():
        source = known.get(name)
        if source is None:
            problems.append(document.problem((*at, name), f"unknown key{did_you_mean(name, list(known))}"))
            continue
        model = plugin(source).config
        try:
            read[source] = model.model_validate(part)
        except ValidationError as error:
            problems += [explain(document, model, (*at, name), part, one) for one in error.errors(include_url=False)]
    return read


def _with_folders(document: Document, at: YamlPath, tenant: Tenant, problems: list[str]) -> Tenant:
    """Folders are meant from where the file lies, wherever the process was started."""

    def absolute(folder: str, *place: str | int) -> str:
        path = (document.path.absolute().parent / folder).resolve()
        if not path.is_dir():
            problems.append(document.problem((*at, *place), f"{folder!r} is not a folder ({str(path)!r} was tried)"))
        return str(path)

    dirs = [absolute(folder, "playbook_dirs", index) for index, folder in enumerate(tenant.playbook_dirs)]
    connectors = dict(tenant.connectors)
    docs = connectors.get(Source.DOCS)
    if isinstance(docs, DocsConfig) and docs.folder:
        folder = absolute(docs.folder, "connectors", "docs", "folder")
        connectors[Source.DOCS] = docs.model_copy(update={"folder": folder})
    for source, config in connectors.items():
        if isinstance(config, Reached) and config.ca_file:
            ca_file = (document.path.absolute().parent / config.ca_file).resolve()
            if not ca_file.is_file():
                place = (*at, "connectors", source.value, "ca_file")
                problems.append(
                    document.problem(place, f"{config.ca_file!r} is not a file ({str(ca_file)!r} was tried)")
                )
            connectors[source] = config.model_copy(update={"ca_file": str(ca_file)})
    return tenant.model_copy(update={"playbook_dirs": dirs, "connectors": connectors})


def _resolve_own(
    values: dict[str, object], environ: Mapping[str, str], folder: Path, problems: list[str]
) -> dict[str, SecretStr]:
    """Return the secrets that variables refer to; their files' paths become absolute, for processes that we start elsewhere."""
    secrets: dict[str, SecretStr] = {}
    for setting in SETTINGS:
        scheme, _, name = str(values.get(setting.field, "")).partition(":")
        if setting.kind != "reference" or not name:
            continue
        ref = f"file:{(folder / name).resolve()}" if scheme == "file" else f"{scheme}:{name}"
        values[setting.field] = ref
        try:
            secrets[ref] = SecretStr(read_secret(ref, environ, folder))
        except LookupError as error:
            problems.append(f"{setting.name}: {ref!r}: {error.args[0]}")
    return secrets


def _read_keyring(secret: SecretStr | None, problems: list[str]) -> Keyring | None:
    try:
        return Keyring.parse(secret.get_secret_value()) if secret else None
    except KeyringError as error:
        problems.append(f"WHYDESK_MASTER_KEYS: {error}")
        return None
