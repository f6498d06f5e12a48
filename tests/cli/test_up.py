"""`whydesk up` as a process: it says where it is, there is one at a time, it ends whole however it ends, it starts again."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from cli.dev_server import free_port
from tests.cli.command import Said, Shell
from tests.cli.running import CHECKOUT, mentioning, until
from tests.master_keys import VARIABLES

WORLD = str(CHECKOUT / "sandbox" / "worlds" / "vellumworks")
PLAYED = ("--world", WORLD, "--rows", "2000")


class Terminal:
    """Runs `whydesk` with a state folder of its own and collects what it prints."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.ports = {option: free_port() for option in ("--port", "--ui-port", "--gateway-port", "--codec-port")}
        self.gateway = f"http://127.0.0.1:{self.ports['--gateway-port']}"
        self._environ = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "WHYDESK_STATE": str(self.state),
            "COLUMNS": "200",
            "PYTHONPATH": str(CHECKOUT),
        }

    async def whydesk(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cli", *arguments),
            cwd=self.folder,
            env=self._environ | dict(environ or {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def said(self, *arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run to the end; return the exit code and all that was printed."""
        process = await self.whydesk(*arguments, environ=environ)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, out.decode() + err.decode()

    async def up(self, options: Sequence[str] = PLAYED, environ: Mapping[str, str] | None = None) -> Process:
        ports = [text for option, port in self.ports.items() for text in (option, str(port))]
        return await self.whydesk("up", *options, *ports, environ=environ)

    def mine(self) -> dict[int, str]:
        """The processes that know this folder."""
        return mentioning(str(self.state))

    async def all_gone(self) -> bool:
        return await until(lambda: not self.mine(), 25)


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    for process in terminal.mine():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def handles(process: int, number: signal.Signals) -> bool:
    """Whether it would not simply die of that signal."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = re.search(r"^SigCgt:\s*(\w+)$", status, re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


async def lines_until(process: Process, last: str) -> list[str]:
    """Read what it prints until that is among it."""
    assert process.stdout is not None
    lines: list[str] = []
    while not any(last in line for line in lines):
        line = await asyncio.wait_for(process.stdout.readline(), 100)
        if not line:
            assert process.stderr is not None
            raise AssertionError("\n".join([*lines, (await process.stderr.read()).decode()]))
        lines.append(line.decode())
    return lines


async def readiness(terminal: Terminal) -> int:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{terminal.gateway}/readyz")).status_code


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_up_runs_alone_ends_at_ctrl_c_and_starts_again(terminal: Terminal) -> None:
    process = await terminal.up()
    said = "".join(await lines_until(process, "Ctrl-C stops everything"))
    assert f"127.0.0.1:{terminal.ports['--port']}" in said
    assert "(the virtual environment)" in said
    assert f"http://127.0.0.1:{terminal.ports['--ui-port']}" in said
    assert f"{terminal.gateway}/hooks/" in said
    assert await readiness(terminal) == 200
    commands = " ".join(terminal.mine().values())
    assert all(
        part in commands
        for part in ("start-dev", "-m sandbox", "-m cli worker", "-m cli gateway", "-m cli codec-server")
    )

    code, refusal = await terminal.said("up", "--world", WORLD)
    assert code == 2
    assert "Traceback" not in refusal
    assert re.search(rf"already running on '{terminal.state}', pid {process.pid}, .*{terminal.gateway}", refusal)
    assert await readiness(terminal) == 200, "the refused one has not touched the first"
    told = json.loads((terminal.state / "up.json").read_text())
    assert told["temporal"] == f"127.0.0.1:{terminal.ports['--port']}", "where the other commands look for it"

    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0
    assert "stopping" in out.decode()
    assert b"Traceback" not in err
    assert terminal.mine() == {}
    assert {"temporal.db", "ledger.db"} <= {path.name for path in terminal.state.iterdir()}

    again = await terminal.up()
    await lines_until(again, "Ctrl-C stops everything")
    assert await readiness(terminal) == 200
    again.kill()
    await again.communicate()
    assert await terminal.all_gone(), terminal.mine()
    assert (terminal.state / "up.json").read_text(), "killed, it could not tidy up"
    code, said = await terminal.said("list")
    assert code == 0
    assert "Traceback" not in said


@pytest.fixture
def refused(terminal: Terminal, whydesk: Shell, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Calls `up` in this process: what is refused before any other is started need not wait for one of its own."""

    def call(*arguments: str, environ: Mapping[str, str] | None = None) -> Said:
        monkeypatch.chdir(terminal.folder)
        for name, value in {"WHYDESK_STATE": str(terminal.state), **(environ or {})}.items():
            monkeypatch.setenv(name, value)
        said = whydesk("up", *arguments)
        assert said.code == 2
        assert not (terminal.state / "temporal.db").exists(), "nothing was started"
        return said

    return call


SECRET = "whsec_" + "c2VjcmV0" * 4
TENANT = """
tenants:
  acme:
    helpdesks:
      desk:
        kind: standard
        ticket_url: http://127.0.0.1:9/tickets/{ticket}
        note_url: http://127.0.0.1:9/notes
        webhook_secrets: ["env:HOOK"]
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_up_finds_the_configuration_of_the_folder_where_one_is(terminal: Terminal) -> None:
    (terminal.folder / "whydesk.yaml").write_text(TENANT)
    (terminal.folder / "settings.py").write_text("raise SystemExit('another project has a module of that name')")
    process = await terminal.up([], environ={"HOOK": SECRET, "PYTHONSAFEPATH": "1"})
    await lines_until(process, "Ctrl-C stops everything")
    async with httpx.AsyncClient() as http:
        stamp = datetime.now(UTC)
        signed = {
            "content-type": "application/json",
            "webhook-id": "d-1",
            "webhook-timestamp": str(int(stamp.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("d-1", stamp, "{}"),
        }
        known = await http.post(f"{terminal.gateway}/hooks/acme/desk", content="{}", headers=signed)
        unknown = await http.post(f"{terminal.gateway}/hooks/acme/other", content="{}", headers=signed)
    # Who is not known is answered like who signs wrongly; this one was let in and had nothing to say.
    assert known.status_code != 401
    assert unknown.status_code == 401
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), 40)
    assert terminal.mine() == {}


async def test_sigterm_while_it_starts_ends_it_all(terminal: Terminal) -> None:
    process = await terminal.up()
    assert await until(lambda: any("start-dev" in command for command in terminal.mine().values()), 60)
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, (out + err).decode()
    assert terminal.mine() == {}


def test_without_tenants_and_without_a_world_it_says_what_to_do(refused: Callable[..., Said]) -> None:
    said = refused(environ={"WHYDESK_CONFIG": ""}).err
    assert said.startswith("whydesk: no tenants: ")
    assert "whydesk up --world" in said


async def test_a_broken_configuration_is_told_whole(terminal: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "whydesk.yaml"
    config.write_text("tenants:\n  acme:\n    mode: loud\n    helpdesks: {}\n    colour: red\n  Bad Name: {}\n")
    code, said = await terminal.said("up", environ={"WHYDESK_CONFIG": str(config), "WHYDESK_GATEWAY_PORT": "x"})
    assert code == 2
    assert "Traceback" not in said
    for problem in ("WHYDESK_GATEWAY_PORT", f"{config}:3", f"{config}:5", f"{config}:6"):
        assert problem in said


@pytest.mark.parametrize("option", ["--gateway-port", "--codec-port"])
def test_a_port_in_use_is_named_before_anything_starts(
    option: str, terminal: Terminal, refused: Callable[..., Said]
) -> None:
    ports = [part for pair in terminal.ports.items() for part in map(str, pair)]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", terminal.ports[option]))
        listener.listen()
        said = refused(*PLAYED, *ports).err
    assert f"port {terminal.ports[option]} is in use" in said
    assert said.rstrip().endswith(option)


@pytest.mark.parametrize("option", ["--port", "--ui-port"])
async def test_a_port_in_use_is_named_with_its_option(option: str, terminal: Terminal) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", terminal.ports[option]))
        listener.listen()
        process = await terminal.up()
        out, err = await asyncio.wait_for(process.communicate(), 60)
    said = (out + err).decode()
    assert process.returncode == 2, said
    assert f"port {terminal.ports[option]} is in use" in said
    assert said.rstrip().endswith(option)
    assert "Traceback" not in said
    assert await terminal.all_gone()


def test_a_world_that_is_none_is_told(refused: Callable[..., Said], tmp_path: Path) -> None:
    said = refused("--world", str(tmp_path)).err
    assert said.startswith(f"whydesk: {tmp_path} is no valid world; `whydesk world validate {tmp_path}` says why")


async def test_a_worker_that_waits_for_its_server_stops_when_told(terminal: Terminal) -> None:
    (terminal.folder / "whydesk.yaml").write_text(TENANT)
    environ = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "HOOK": SECRET, **VARIABLES}
    process = await terminal.whydesk("worker", environ=environ)
    assert await until(lambda: handles(process.pid, signal.SIGTERM), 60)
    process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, (out + err).decode()


async def test_a_gateway_whose_port_is_taken_says_so(terminal: Terminal) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        code, said = await terminal.said("gateway", environ={"WHYDESK_GATEWAY_PORT": str(port)})
    assert code == 2
    assert said == (
        f"whydesk: the gateway cannot listen on 127.0.0.1:{port}; set WHYDESK_GATEWAY_PORT to another port\n"
    )


def test_a_state_that_nobody_holds_any_more_is_free(terminal: Terminal, refused: Callable[..., Said]) -> None:
    """What is written there is of one that was killed: only the lock counts."""
    terminal.state.mkdir()
    (terminal.state / "up.json").write_text(json.dumps({"pid": 1, "ui": "x", "gateway": "y"}))
    assert "already running" not in refused("--port", "1", environ={"WHYDESK_CONFIG": ""}).err
