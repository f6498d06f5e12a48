"""Starts the processes of one command, waits for each to be ready, and stops them in reverse order."""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parent.parent
_STOP_WITHIN = 12.0


class ProcessEnded(Exception):
    """A process that should be running is not; the message holds the end of what it said."""


class NotReady(Exception):
    """A process runs and does not become ready; the message says which, and how long it was waited for."""


@dataclass
class Running:
    """One process on its leash."""

    name: str
    process: asyncio.subprocess.Process
    log: Path | None

    def ensure(self) -> None:
        """Raise if it ended.

        Raises:
            ProcessEnded: with its exit code and last lines.
        """
        if self.process.returncode is not None:
            raise ProcessEnded(f"{self.name} ended with code {self.process.returncode}{self._last_words()}")

    def _last_words(self) -> str:
        if self.log is None or not self.log.exists():
            return ""
        return ":\n" + "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Household:
    """The processes of one command. Use as an async context manager: leaving it stops them all."""

    def __init__(self, logs: Path | None = None) -> None:
        """Write each process's output to a file under `logs`, or to our own output if None."""
        self._logs = logs
        self._running: list[Running] = []

    async def __aenter__(self) -> "Household":
        """Start nothing yet."""
        if self._logs:
            self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started last first, so that a worker ends before its server."""
        for running in reversed(self._running):
            await _stop(running)

    async def start(self, name: str, command: list[str], environ: Mapping[str, str]) -> Running:
        """Start a process on a leash: it ends when we do, even by kill -9."""
        log = self._logs / f"{name}.log" if self._logs else None
        output = log.open("wb") if log else None
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "cli.leash",
                *command,
                cwd=ROOT,
                env=dict(environ),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT if output else None,
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        running = Running(name, process, log)
        self._running.append(running)
        return running

    def running(self, name: str) -> Running:
        """Return the process that was started last under that name.

        Raises:
            KeyError: none was.
        """
        return {running.name: running for running in self._running}[name]

    async def stop(self, *names: str) -> None:
        """Stop these together; those that they need go on."""
        await asyncio.gather(*(_stop(running) for running in self._running if running.name in names))

    def ensure(self) -> None:
        """Raise if any of them ended."""
        for running in self._running:
            running.ensure()

    async def first_end(self) -> Running:
        """Wait until one of them ends."""
        waits = {asyncio.ensure_future(running.process.wait()): running for running in self._running}
        done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in rest:
            wait.cancel()
        return waits[done.pop()]


async def _stop(running: Running) -> None:
    if running.process.returncode is not None:
        return
    if running.process.stdin:
        running.process.stdin.close()
    try:
        await asyncio.wait_for(running.process.wait(), _STOP_WITHIN)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            running.process.kill()
        await running.process.wait()
