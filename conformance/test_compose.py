"""docker-compose.yml, read by Docker Compose itself, and the Dockerfile by hadolint."""

import json
import shutil
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from pydantic import JsonValue

from conformance.go_programs import COMPOSE
from conformance.tools import compose
from sandbox.run import CHECKOUT

Thing = dict[str, JsonValue]
PASSWORDS = {"POSTGRES_PASSWORD": "hunter2", "LEDGER_PASSWORD": "hunter3"}
"""Of nobody: all that has to be in .env."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout as it is after .env and whydesk.yaml were written."""
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(CHECKOUT / name, tmp_path)
    shutil.copytree(CHECKOUT / "ops", tmp_path / "ops")
    write_env(tmp_path, STRIPE_KEY="rk_x", **PASSWORDS)
    (tmp_path / "whydesk.yaml").write_text("tenants: {}\n")
    return tmp_path


def write_env(folder: Path, **variables: str) -> None:
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


def read(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `docker compose config`, which needs no engine."""
    return subprocess.run(  # noqa: S603  # our own build
        [str(compose()), "--profile", "*", "config", *options],
        cwd=folder,
        env={"HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def services(folder: Path) -> dict[str, Thing]:
    done = read(folder, "--format", "json")
    assert done.returncode == 0, done.stderr
    return cast(dict[str, Thing], json.loads(done.stdout)["services"])


def environment(service: Thing) -> dict[str, str]:
    return cast(dict[str, str], service["environment"])


def test_compose_has_nothing_to_say(folder: Path) -> None:
    done = read(folder, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_compose_takes_the_file_as_we_mean_it(folder: Path, held: Counter[str]) -> None:
    found = services(folder)
    assert all(service["read_only"] is True for service in found.values())
    ours = {name for name, service in found.items() if "build" in service}
    assert {"namespace", "worker", "gateway"} <= ours
    for name in ours:
        given = environment(found[name])
        assert given["TEMPORAL_ADDRESS"] == "temporal:7233"
        assert given["STRIPE_KEY"] == "rk_x", ".env is the environment of ours"
        assert "hunter2" not in str(found[name]), "the password of Temporal's database is not"
    assert environment(found["temporal"])["POSTGRES_PWD"] == PASSWORDS["POSTGRES_PASSWORD"]
    assert environment(found["worker"])["WHYDESK_LEDGER_URL"] == "postgresql://whydesk:hunter3@postgres:5432/whydesk"
    assert cast(Thing, found["worker"]["deploy"])["replicas"] == 2
    assert "${CLICKHOUSE_PASSWORD:?" in str(found["clickhouse"]["entrypoint"]), "left for the container's shell"
    held[f"services of docker-compose.yml: docker compose {COMPOSE.version}"] += len(found)


def test_who_never_opens_the_ledger_has_no_password_of_it(folder: Path) -> None:
    found = services(folder)
    holders = {name for name, service in found.items() if "hunter3" in str(service)}
    assert holders == {"worker", "codec-server", "ledger-database"}


def test_another_temporal_and_another_ledger_are_a_variable_away(folder: Path) -> None:
    address, ledger = "ns.acct.tmprl.example.com:7233", "postgresql://us@db.example.com/whydesk"
    write_env(folder, **PASSWORDS, TEMPORAL_ADDRESS=address, WHYDESK_LEDGER_URL=ledger)
    found = services(folder)
    assert {environment(found[name])["TEMPORAL_ADDRESS"] for name in ("worker", "gateway")} == {address}
    assert environment(found["worker"])["WHYDESK_LEDGER_URL"] == ledger


@pytest.mark.parametrize("name", sorted(PASSWORDS))
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_password_it_says_what_to_do(folder: Path, name: str, value: str | None) -> None:
    others = {other: password for other, password in PASSWORDS.items() if other != name}
    write_env(folder, **others, **({} if value is None else {name: value}))
    done = read(folder, "-q")
    assert done.returncode
    assert f"{name} is missing a value: set {name} in .env" in done.stderr


def test_without_env_nothing_starts(folder: Path) -> None:
    (folder / ".env").unlink()
    done = read(folder, "-q")
    assert done.returncode


def test_a_wrong_key_would_be_told(folder: Path) -> None:
    file = folder / "docker-compose.yml"
    file.write_text(file.read_text().replace("mem_limit: 256m", "mem_limitt: 256m", 1))
    assert "additional properties 'mem_limitt' not allowed" in read(folder, "-q").stderr


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    return subprocess.run(  # noqa: S603  # from the conformance requirements
        [str(program), "--no-color", "--failure-threshold", "style", str(file)],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_hadolint_has_nothing_to_say(held: Counter[str]) -> None:
    done = hadolint(CHECKOUT / "Dockerfile")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    held["lines of the Dockerfile: hadolint"] += len((CHECKOUT / "Dockerfile").read_text().splitlines())


def test_hadolint_would_say_what_is_wrong(folder: Path) -> None:
    file = folder / "Dockerfile"
    file.write_text(file.read_text().replace("FROM python:3.13-slim-bookworm\n", "FROM python\n"))
    done = hadolint(file)
    assert done.returncode
    assert "DL3006" in done.stdout
