"""Builds Go programs with the toolchain from the wheel; what is fetched is held to a digest before it is built."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from conformance.tool_runs import expect, run


class Module(NamedTuple):
    """A Go module."""

    path: str
    version: str
    digest: str
    """Go's own, `h1:…`; the module's go.sum holds those of what it needs."""


STRIPE_MOCK = Module("github.com/stripe/stripe-mock", "v0.203.0", "h1:EzW7nb/fphqcAkgVRHAaC88OaAZo6SBWSl54cflDTio=")
TEMPORAL = Module("go.temporal.io/server", "v1.32.0", "h1:JQoqsVREaGc8vcuDNfuRlySiV3tVi81XUOVC9LeL/1Y=")
"""What the images of docker-compose.yml hold: the server, and the tool that makes its tables."""
COMPOSE = Module("github.com/docker/compose/v2", "v2.40.3", "h1:XeYkQu1svDtyfZPv5nTwFryQ25ZJMkIlc4pz9HalMPI=")
"""`docker compose` itself."""
PROMTOOL = Module("github.com/prometheus/prometheus", "v0.315.0", "h1:sFGZWmC2Hk9N1NBJGCnXYZb5hyLCq8yuAMoEjLAg6ac=")
"""Prometheus' own checker of rules, and runner of their tests."""


class Workshop:
    """Builds in one scratch folder, so that what two programs need is fetched and compiled once. A context manager."""

    def __init__(self, folder: Path) -> None:
        """Make the scratch folder under `folder` when something is built."""
        self._folder = folder
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Workshop":
        """Build nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Throw the sources and all that was compiled away."""
        if self._scratch:
            self._scratch.cleanup()

    @property
    def _root(self) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(dir=self._folder, prefix="go-")
        return Path(self._scratch.name)

    def stripe_mock(self) -> Path:
        """Build stripe-mock; return the program."""
        self._install(STRIPE_MOCK, "")
        return self._root / "bin" / "stripe-mock"

    def temporal(self) -> Path:
        """Build Temporal's server and its SQL tool; return a folder that has both under the names of the images."""
        self._install(TEMPORAL, "/cmd/server")
        self._install(TEMPORAL, "/cmd/tools/sql")
        made = self._root / "temporal"
        made.mkdir()
        shutil.move(self._root / "bin" / "server", made / "temporal-server")
        shutil.move(self._root / "bin" / "sql", made / "temporal-sql-tool")
        return made

    def compose(self) -> Path:
        """Build `docker compose`; return the program.

        Its go.mod excludes versions, which `go install` refuses to do for a module that is not the main one.
        """
        return self._tool(COMPOSE, "/cmd", "docker-compose")

    def promtool(self) -> Path:
        """Build promtool; return the program."""
        return self._tool(PROMTOOL, "/cmd/promtool", "promtool")

    def _tool(self, module: Module, package: str, name: str) -> Path:
        """Build what `go install` refuses, for its module replaces or excludes others."""
        self._fetch(module)
        source = self._root / f"{name}-source"
        source.mkdir()
        (source / "go.mod").write_text(f"module {name}\n\ngo 1.24\n")
        program = f"{module.path}{package}"
        run(["go", "get", "-tool", f"{program}@{module.version}"], source, self._environment())
        run(["go", "build", "-o", str(self._root / name), program], source, self._environment())
        return self._root / name

    def _install(self, module: Module, package: str) -> None:
        self._fetch(module)
        run(["go", "install", f"{module.path}{package}@{module.version}"], self._root, self._environment())

    def _fetch(self, module: Module) -> None:
        wanted = f"{module.path}@{module.version}"
        told = json.loads(run(["go", "mod", "download", "-json", wanted], self._root, self._environment()))
        expect(wanted, told.get("Sum"), module.digest)

    def _environment(self) -> dict[str, str]:
        return {
            "GOPATH": str(self._root / "path"),
            "GOCACHE": str(self._root / "cache"),
            "GOBIN": str(self._root / "bin"),
            # Writable, so that it can be thrown away; no more compilers at once than the memory of a small machine holds; and
            # programs without what only a debugger reads, which link faster.
            "GOFLAGS": f"-modcacherw -trimpath -ldflags=-s -p={min(2, os.cpu_count() or 1)}",
            "GOTOOLCHAIN": "local",
            "CGO_ENABLED": "0",
        }
