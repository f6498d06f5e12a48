"""What the tests of processes look at: who is alive, and how to wait for what another process does."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def alive(process: int) -> bool:
    """Whether it runs; one that ended and was not collected yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def mentioning(text: str) -> dict[int, str]:
    """Return the command lines of the running processes that have the text in them or in their environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            environ = (folder / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if text.encode() in command + environ and alive(int(folder.name)):
            found[int(folder.name)] = command.replace(b"\0", b" ").decode()
    return found


async def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait for something that another process does; return whether it came."""
    end = time.monotonic() + seconds
    for _ in iter(condition, True):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.03)
    return True


async def number_in(file: Path) -> int:
    """Wait for a process to write a number with a newline after it, its own or a child's."""

    def read() -> str:
        return file.read_text() if file.exists() else ""

    assert await until(lambda: read().endswith("\n")), f"{file} was not written"
    return int(read())


async def ended(process: int, seconds: float = 20) -> bool:
    """Wait for a process to end; return whether it did."""
    return await until(lambda: not alive(process), seconds)
