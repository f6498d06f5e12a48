"""The servers of docker-compose.yml without containers: PostgreSQL and Temporal's own server, set up as that file does."""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from psycopg import sql
from sqlalchemy import URL, make_url
from temporalio.client import Client
from temporalio.service import RPCError

from cli.dev_server import free_port
from cli.processes import Household, NotReady
from conformance.tools import temporal
from sandbox.run import CHECKOUT
from tests.postgres_server import PostgresServer, program

_READY_WITHIN = 90.0
_LEDGER = "ledger_of_a_test"
_PORTS = (
    *("FRONTEND_GRPC_PORT", "FRONTEND_MEMBERSHIP_PORT", "FRONTEND_HTTP_PORT", "HISTORY_GRPC_PORT"),
    *("HISTORY_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT"),
    *("WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT"),
)
"""In a container each is the server's own; here they are free ones."""


@dataclass(frozen=True)
class Databases:
    """PostgreSQL with the three databases of production."""

    admin: URL
    """The user that the image makes: Temporal's."""
    ledger: URL
    """The user that has the ledger and nothing else."""

    async def run(self, script: str) -> None:
        """Run a script of `ops/` as its container does.

        Raises:
            AssertionError: it failed; with what it said.
        """
        password, port = str(self.admin.password), str(self.admin.port)
        where = {"HOST": str(self.admin.host), "PORT": port, "USER": str(self.admin.username), "PASSWORD": password}
        environ = {
            "PATH": f"{temporal()}:{Path(program('psql')).parent}:{os.environ['PATH']}",
            **{f"SQL_{name}": value for name, value in where.items()},
            **{f"PG{name}": value for name, value in where.items()},
            "LEDGER_USER": _LEDGER,
            "LEDGER_PASSWORD": str(self.ledger.password),
        }
        ran = await asyncio.create_subprocess_exec(
            "/bin/sh",
            str(CHECKOUT / "ops" / script),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await ran.communicate()
        assert ran.returncode == 0, told.decode()


def databases_of(server: PostgresServer) -> Databases:
    """Make the user of the image, with the rights that it has there; the databases come from the scripts."""
    password = secrets.token_hex(12)
    server.run(sql.SQL("CREATE ROLE temporal SUPERUSER LOGIN PASSWORD {}").format(sql.Literal(password)))
    at = make_url(server.url).set(drivername="postgresql")
    return Databases(
        admin=at.set(username="temporal", password=password),
        ledger=at.set(username=_LEDGER, password=secrets.token_hex(12), database=_LEDGER),
    )


def environment_of(service: str) -> dict[str, str]:
    """Return what docker-compose.yml gives to a service."""
    read = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    return cast(dict[str, str], read["services"][service]["environment"])


def temporal_environment(databases: Databases) -> dict[str, str]:
    """Return the server's environment as docker-compose.yml has it, but for addresses, ports and the password."""
    given = environment_of("temporal")
    here = {
        "POSTGRES_SEEDS": str(databases.admin.host),
        "DB_PORT": str(databases.admin.port),
        "POSTGRES_PWD": str(databases.admin.password),
        "DYNAMIC_CONFIG_FILE_PATH": str(CHECKOUT / "ops" / "temporal" / "dynamic.yaml"),
        "BIND_ON_IP": "127.0.0.1",
    }
    assert set(here) < set(given), "docker-compose.yml names them otherwise now"
    assert given["POSTGRES_USER"] == databases.admin.username
    ports: set[int] = set()
    while len(ports) < len(_PORTS):
        ports.add(free_port())
    return given | here | {name: str(port) for name, port in zip(_PORTS, ports, strict=True)}


async def start_temporal(household: Household, environ: Mapping[str, str]) -> str:
    """Start the server on its databases; return its address once it answers.

    Raises:
        ProcessEnded: with the server's last words.
        NotReady: it did not answer in time.
    """
    # As the image's entry point starts it: no file, everything from the environment.
    running = await household.start("temporal", [str(temporal() / "temporal-server"), "start"], environ)
    address = f"127.0.0.1:{environ['FRONTEND_GRPC_PORT']}"
    until = time.monotonic() + _READY_WITHIN
    while True:
        running.ensure()
        try:
            await Client.connect(address)
            return address
        except (RPCError, RuntimeError) as error:
            if time.monotonic() > until:
                raise NotReady(f"Temporal's server did not answer at {address}") from error
            await asyncio.sleep(0.2)
