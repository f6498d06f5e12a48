"""Fetches what others wrote into `.conformance/`, once: Go programs, GitHub's description, Linear's SDK.

    python -m conformance.tools

Go and npm come as wheels (requirements/conformance.txt). What they bring is held to a digest before it is used.
"""

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from conformance.go_programs import COMPOSE, PROMTOOL, STRIPE_MOCK, TEMPORAL, Workshop
from conformance.tool_runs import ToolError, expect, run, say

FOLDER = Path(__file__).resolve().parent.parent / ".conformance"


class Package(NamedTuple):
    """One file of an npm package. Nothing of it is run."""

    name: str
    version: str
    digest: str
    """Of the whole tarball, as npm writes it: `sha512-…`."""
    start: str
    end: str
    """How the file's name begins and ends: builds put a hash between."""
    mark: bytes = b""
    """What the file holds, where more than one has such a name."""


GITHUB = Package(
    "@octokit/openapi",
    "23.0.2",
    "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    "package/generated/api.github.com.json",
    "",
)
LINEAR = Package(
    "@linear/sdk",
    "98.0.0",
    "sha512-DRakJJiGe4QE2tc49+XQVE0lyeR9CUHJTpCPsx5291LsmDaMvhP8+beCgXQQ7jET+OshHEm2BYtMx6EUt9ZR8Q==",
    "package/dist/index-",
    ".d.mts",
    b"type Scalars = ",
)


def stripe_mock() -> Path:
    """Where the program is; it may not be there yet."""
    return FOLDER / f"stripe-mock-{STRIPE_MOCK.version}"


def compose() -> Path:
    """Where `docker compose` is; it may not be there yet."""
    return FOLDER / f"docker-compose-{COMPOSE.version}"


def promtool() -> Path:
    """Where promtool is; it may not be there yet."""
    return FOLDER / f"promtool-{PROMTOOL.version}"


def temporal() -> Path:
    """Where Temporal's server and its SQL tool are, by the names that the images give them; they may not be there yet."""
    return FOLDER / f"temporal-{TEMPORAL.version}"


def file_of(package: Package) -> Path:
    """Where a package's file is; it may not be there yet."""
    return FOLDER / f"{package.name.strip('@').replace('/', '-')}-{package.version}"


def install() -> None:
    """Fetch what is missing.

    Raises:
        ToolError: a tool failed, or brought something else than what was expected.
    """
    FOLDER.mkdir(exist_ok=True)
    with Workshop(FOLDER) as workshop:
        _unless_there(stripe_mock(), f"building stripe-mock {STRIPE_MOCK.version}", workshop.stripe_mock)
        _unless_there(temporal(), f"building Temporal's server {TEMPORAL.version}, some minutes", workshop.temporal)
        _unless_there(compose(), f"building docker compose {COMPOSE.version}, some minutes", workshop.compose)
        _unless_there(promtool(), f"building promtool {PROMTOOL.version}, some minutes", workshop.promtool)
    for package in (GITHUB, LINEAR):
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix="making-") as scratch:
            _unless_there(
                file_of(package),
                f"fetching {package.name} {package.version}",
                partial(_unpack, package, Path(scratch)),
            )


def _unless_there(target: Path, what: str, make: Callable[[], Path]) -> None:
    if target.exists():
        return
    say(f"· {what}")
    began = time.monotonic()
    # Renamed at the end: a run that is broken off leaves nothing that passes for whole.
    make().rename(target)
    say(f"  done in {time.monotonic() - began:.0f} s")


def _unpack(package: Package, scratch: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    environment = {"npm_config_cache": str(scratch / "cache"), "npm_config_update_notifier": "false"}
    run(
        ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(scratch), wanted],
        scratch,
        environment,
    )
    tarball = next(scratch.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    expect(wanted, f"sha512-{digest}", package.digest)
    with tarfile.open(tarball) as archive:
        for member in archive:
            if not (member.name.startswith(package.start) and member.name.endswith(package.end)):
                continue
            content = archive.extractfile(member)
            text = content.read() if content else b""
            if package.mark in text:
                target = scratch / "file"
                target.write_bytes(text)
                return target
    raise ToolError(f"{wanted} holds no {package.start}*{package.end} with {package.mark!r}: look where it is now")


if __name__ == "__main__":
    try:
        install()
    except (ToolError, subprocess.TimeoutExpired, OSError) as error:
        sys.exit(f"conformance: {error}")
