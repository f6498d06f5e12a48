"""Runs the programs that fetch and build the truths, says what takes long, and refuses what is not what was expected."""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

STEP = 1800
"""Seconds that one download or build may take."""
_SAY = 30.0
"""Seconds between two signs of life."""


class ToolError(Exception):
    """A truth could not be had; the message says which, and what its tool said."""


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a program of the virtual environment and return what it printed.

    Raises:
        ToolError: it is not there, failed, or did not end in time.
    """
    binaries = sysconfig.get_path("scripts")
    settings = {**os.environ, **environment, "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}
    program = shutil.which(command[0], path=binaries)
    if program is None:
        raise ToolError(f"{command[0]!r} is not in {binaries}: install requirements/conformance.txt (make conformance)")
    with (
        subprocess.Popen(  # noqa: S603  # the commands are the constants of this package
            [program, *command[1:]], cwd=folder, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running
    ):
        try:
            told, complained = _wait(running)
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        said = "\n".join((complained or told).strip().splitlines()[-10:])
        raise ToolError(f"{' '.join(command[:3])} failed with {running.returncode}:\n{said}")
    return told


def _wait(running: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for the end, and say every half minute that it goes on."""
    began = time.monotonic()
    while True:
        try:
            return running.communicate(timeout=_SAY)
        except subprocess.TimeoutExpired:
            taken = time.monotonic() - began
            if taken > STEP:
                raise ToolError(f"{running.args!r} was not done within {STEP} s") from None
            say(f"  {taken:.0f} s …")


def expect(what: str, found: object, wanted: str) -> None:
    """Refuse what has another digest.

    Raises:
        ToolError: the two differ.
    """
    if found != wanted:
        raise ToolError(f"{what} has the digest {found!r} and not {wanted!r}: not used")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
