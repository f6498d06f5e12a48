"""The production stack as far as it can be read: nobody is root, little is writable, no password has a default."""

import fnmatch
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import cast

import pytest
import yaml
from pydantic import JsonValue

from settings import SETTINGS, env_example
from worker import GRACE

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
Service = dict[str, JsonValue]
ONE_SHOT = {"schema", "ledger-database", "namespace"}
"""Services that end when their work is done."""


@cache
def services() -> dict[str, Service]:
    return cast(dict[str, Service], yaml.safe_load(COMPOSE)["services"])


def of(service: Service, key: str) -> dict[str, JsonValue]:
    return cast(dict[str, JsonValue], service.get(key, {}))


ALL = sorted(yaml.safe_load(COMPOSE)["services"])


@pytest.mark.parametrize("name", ALL)
def test_a_container_is_as_closed_as_it_can_be(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert "privileged" not in service
    assert "docker.sock" not in str(service)


@pytest.mark.parametrize("name", ALL)
def test_nobody_is_root(name: str) -> None:
    service = services()[name]
    # The images of Temporal say themselves that their user is 1000; the others begin as root unless told.
    own = str(service["image"]).startswith("temporalio/")
    user = str(service.get("user", "1000:1000" if own else ""))
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


@pytest.mark.parametrize("name", sorted(set(ALL) - ONE_SHOT))
def test_what_goes_on_has_a_health_check_and_comes_back(name: str) -> None:
    service = services()[name]
    assert cast(list[str], of(service, "healthcheck")["test"])[0] == "CMD", "no shell between"
    assert service["restart"] == "unless-stopped"


def test_everyone_waits_for_what_it_needs() -> None:
    def needs(name: str) -> dict[str, str]:
        waits = of(services()[name], "depends_on")
        return {one: str(cast(dict[str, JsonValue], how)["condition"]) for one, how in waits.items()}

    assert needs("schema") == {"postgres": "service_healthy"}
    assert needs("temporal") == {"schema": "service_completed_successfully"}
    assert needs("namespace") == {"temporal": "service_healthy"}
    assert needs("ledger-database") == {"schema": "service_completed_successfully"}
    assert needs("gateway") == {"namespace": "service_completed_successfully"}
    assert needs("codec-server") == {"ledger-database": "service_completed_successfully"}
    assert needs("worker") == needs("gateway") | {"ledger-database": "service_completed_successfully"}
    assert set(needs("ui")) == {"temporal"}


def test_a_one_shot_service_does_not_run_for_ever() -> None:
    assert {str(services()[name]["restart"]) for name in ONE_SHOT} == {"on-failure:5"}


@pytest.mark.parametrize("name", ALL)
def test_only_loopback_is_published(name: str) -> None:
    ports = cast(list[str], services()[name].get("ports", []))
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_database_is_out_of_reach() -> None:
    networks = yaml.safe_load(COMPOSE)["networks"]
    assert networks["data"] == {"internal": True}
    on_data = {name for name, service in services().items() if "data" in cast(list[str], service["networks"])}
    assert on_data == {"postgres", "schema", "temporal", "ledger-database", "worker", "codec-server"}
    assert "ports" not in services()["postgres"]


def test_passwords_come_from_env_and_have_no_default() -> None:
    secret = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|KEY")
    given = [
        (name, variable, str(value))
        for name, service in services().items()
        for variable, value in of(service, "environment").items()
        if secret.search(variable) and "build" not in service
    ]
    assert {name for name, _, _ in given} == {"postgres", "schema", "ledger-database", "temporal", "clickhouse"}
    for name, variable, value in given:
        # That of a service with a profile cannot be demanded here without being demanded of all; its entrypoint does.
        pattern = r"\$\{\w+:-\}" if "profiles" in services()[name] else r"\$\{\w+:\?set \w+ in \.env.*\}"
        assert re.fullmatch(pattern, value), f"{name}: {variable}"
    assert "CLICKHOUSE_PASSWORD:?" in str(services()["clickhouse"]["entrypoint"])


OURS = sorted(name for name, service in services().items() if "build" in service)


@pytest.mark.parametrize("name", OURS)
def test_the_databases_passwords_are_not_ours_to_hold(name: str) -> None:
    environment = of(services()[name], "environment")
    for other in ("POSTGRES_PASSWORD", "LEDGER_PASSWORD", "CLICKHOUSE_ADMIN_PASSWORD"):
        assert environment[other] == ""


def test_env_example_has_all_that_compose_asks_for() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE)) - {setting.name for setting in SETTINGS}
    rest = (ROOT / ".env.example").read_text().removeprefix(env_example())
    passwords = {"POSTGRES_PASSWORD", "LEDGER_PASSWORD", "CLICKHOUSE_ADMIN_PASSWORD"}
    assert asked == passwords | {"TEMPORAL_CODEC_ENDPOINT"}
    # The processes themselves read the reference, from the .env that they are given whole.
    [keys] = {str(of(services()[name], "environment")["WHYDESK_MASTER_KEYS"]) for name in OURS}
    assert set(re.findall(r"^# (\w+)=$", rest, re.MULTILINE)) == asked | {keys.removeprefix("env:")}
    # .env is the worker's environment too, where an unknown name of ours is an error.
    assert not any(name.startswith("WHYDESK_") for name in asked)


def test_a_paid_answer_is_waited_for() -> None:
    grace = str(services()["worker"]["stop_grace_period"])
    assert int(grace.removesuffix("s")) > GRACE.total_seconds()


def test_workers_can_be_many() -> None:
    worker = services()["worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)
    assert of(worker, "deploy")["replicas"] == 2


def test_state_is_in_volumes_that_are_declared() -> None:
    declared = set(yaml.safe_load(COMPOSE)["volumes"])
    mounted: set[str] = set()
    for service in services().values():
        for mount in cast(list[JsonValue], service.get("volumes", [])):
            if isinstance(mount, str) and not mount.startswith("."):
                mounted.add(mount.partition(":")[0])
            elif isinstance(mount, str):
                source, _, mode = mount.partition(":")
                assert mode.endswith(":ro"), mount
                assert (ROOT / source).is_file(), mount
            else:
                assert cast(dict[str, JsonValue], mount)["read_only"] is True
    assert mounted == declared


def test_images_are_pinned() -> None:
    named = [str(service["image"]) for service in services().values()] + re.findall(
        r"^FROM (\S+)", DOCKERFILE, re.MULTILINE
    )
    assert [image for image in named if not re.search(r":(\d+\.\d+\S*|local)$", image)] == []


def test_the_image_is_locked_and_not_root() -> None:
    assert re.search(r"pip install [^\n]*--require-hashes -r requirements/production\.txt", DOCKERFILE)
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "pip " not in last, "what builds is not in what runs"
    assert re.findall(r"^USER (\S+)", last, re.MULTILINE) == ["10001:10001"]
    assert last.index("install -d -o whydesk -g whydesk -m 0700 /state") < last.index("VOLUME /state")
    assert {str(services()[name]["user"]) for name in OURS} == {"10001:10001"}


@cache
def ignored() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_ignored(path: str) -> bool:
    """As Docker reads the file: a pattern is meant from the root, `**/` at its start also below it, and takes all beneath."""
    parts = path.split("/")
    starts = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for pattern in ignored():
        rest = pattern.removeprefix("**/")
        depth = rest.count("/")
        for start in starts:
            if pattern == rest and start.count("/") != depth:
                continue
            if fnmatch.fnmatch("/".join(start.split("/")[-depth - 1 :]), rest):
                return True
    return False


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            ".env.production",
            "whydesk.yaml",
            "ledger.db",
            "state/ledger.db-wal",
            "tls/client.key",
            "tls/ca.pem",
        ),
        *(".git/config", ".venv/bin/python", ".whydesk/ledger.db", "cli/__pycache__/main.cpython-311.pyc", "README.md"),
    ],
)
def test_no_secret_and_no_ballast_gets_into_the_image(path: str) -> None:
    assert is_ignored(path)


def test_all_that_the_product_runs_gets_into_the_image() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    ballast = ("tests/", "conformance/", "benchmarks/", "evals/")
    code = [name for name in listed if name.endswith(".py") and not name.startswith(ballast)]
    data = [name for name in listed if name.startswith(("playbooks/", "reasoning/", "ledger/"))]
    assert len(code) > 100
    assert [name for name in [*code, *data, "requirements/production.txt"] if is_ignored(name)] == []
