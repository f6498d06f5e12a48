"""Fetches what others wrote into `.conformance/`, once: stripe-mock, GitHub's description, Linear's SDK, Compose's loader.

    python -m conformance.tools

Go and npm come as wheels (requirements/conformance.txt). What they bring is held to the digests below before it is used.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / ".conformance"
_STEP = 600
"""Seconds that one download or build may take."""


class ToolError(Exception):
    """A truth could not be had; the message says which, and what its tool said."""


class Module(NamedTuple):
    """A Go program."""

    path: str
    version: str
    digest: str
    """Go's own, `h1:…`; the program's go.sum holds those of what it needs."""


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


STRIPE_MOCK = Module("github.com/stripe/stripe-mock", "v0.203.0", "h1:EzW7nb/fphqcAkgVRHAaC88OaAZo6SBWSl54cflDTio=")
COMPOSE = Module("github.com/compose-spec/compose-go/v2", "v2.9.1", "h1:8UwI+ujNU+9Ffkf/YgAm/qM9/eU7Jn8nHzWG721W4rs=")
"""What `docker compose` 2.40 reads its files with."""
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


def compose_reader() -> Path:
    """Where the program of compose.go is; it may not be there yet."""
    return FOLDER / f"compose-{COMPOSE.version}"


def file_of(package: Package) -> Path:
    """Where a package's file is; it may not be there yet."""
    return FOLDER / f"{package.name.strip('@').replace('/', '-')}-{package.version}"


def install() -> None:
    """Fetch what is missing.

    Raises:
        ToolError: a tool failed, or brought something else than what was expected.
    """
    FOLDER.mkdir(exist_ok=True)
    _unless_there(stripe_mock(), f"building stripe-mock {STRIPE_MOCK.version}, about half a minute", _build)
    _unless_there(compose_reader(), f"building a reader on compose-go {COMPOSE.version}", _build_reader)
    for package in (GITHUB, LINEAR):
        _unless_there(
            file_of(package),
            f"fetching {package.name} {package.version}",
            partial(_unpack, package),
        )


def _unless_there(target: Path, what: str, make: Callable[[Path], Path]) -> None:
    if target.exists():
        return
    _say(f"· {what}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="making-") as scratch:
        # Renamed at the end: a run that is broken off leaves nothing that passes for whole.
        shutil.move(make(Path(scratch)), target)
    _say(f"  done in {time.monotonic() - began:.0f} s")


def _build(scratch: Path) -> Path:
    environment = _go(scratch)
    _fetch(STRIPE_MOCK, scratch, environment)
    _run(["go", "install", f"{STRIPE_MOCK.path}@{STRIPE_MOCK.version}"], scratch, environment)
    return scratch / "stripe-mock"


def _build_reader(scratch: Path) -> Path:
    environment = _go(scratch) | {"GOFLAGS": "-modcacherw -mod=mod"}
    _fetch(COMPOSE, scratch, environment)
    shutil.copy(Path(__file__).with_name("compose.go"), scratch / "main.go")
    (scratch / "go.mod").write_text(f"module compose\n\ngo 1.24\n\nrequire {COMPOSE.path} {COMPOSE.version}\n")
    _run(["go", "build", "-o", "reader", "."], scratch, environment)
    return scratch / "reader"


def _go(scratch: Path) -> dict[str, str]:
    return {
        "GOPATH": str(scratch / "path"),
        "GOCACHE": str(scratch / "cache"),
        "GOBIN": str(scratch),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }


def _fetch(module: Module, scratch: Path, environment: dict[str, str]) -> None:
    wanted = f"{module.path}@{module.version}"
    told = json.loads(_run(["go", "mod", "download", "-json", wanted], scratch, environment))
    _expect(wanted, told.get("Sum"), module.digest)


def _unpack(package: Package, scratch: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    environment = {"npm_config_cache": str(scratch / "cache"), "npm_config_update_notifier": "false"}
    _run(
        ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(scratch), wanted],
        scratch,
        environment,
    )
    tarball = next(scratch.glob("*.tgz"))
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    _expect(wanted, f"sha512-{digest}", package.digest)
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


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    binaries = sysconfig.get_path("scripts")
    settings = {**os.environ, **environment, "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}
    program = shutil.which(command[0], path=binaries)
    if program is None:
        raise ToolError(f"{command[0]!r} is not in {binaries}: install requirements/conformance.txt (make conformance)")
    ran = subprocess.run(  # noqa: S603  # the commands are the constants of this module
        [program, *command[1:]], cwd=folder, env=settings, capture_output=True, text=True, timeout=_STEP, check=False
    )
    if ran.returncode:
        said = "\n".join((ran.stderr or ran.stdout).strip().splitlines()[-10:])
        raise ToolError(f"{' '.join(command[:3])} failed with {ran.returncode}:\n{said}")
    return ran.stdout


def _expect(what: str, found: object, wanted: str) -> None:
    if found != wanted:
        raise ToolError(f"{what} has the digest {found!r} and not {wanted!r}: not used")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        install()
    except (ToolError, subprocess.TimeoutExpired, OSError) as error:
        sys.exit(f"conformance: {error}")
