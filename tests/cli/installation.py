"""An installation of one tenant whose far ends are a sandbox, for tests of commands that ask them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.world_tenant import TENANT, SandboxState, write_tenant
from sandbox.run import Sandbox
from tests.cli.command import Said, Shell


class Installation:
    """`whydesk.yaml` to be changed, the keys as variables, and the command line over them."""

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch, folder: Path, sandbox: Sandbox) -> None:
        """Connect a tenant to the sandbox."""
        self._shell = shell
        self._monkeypatch = monkeypatch
        self.sandbox = sandbox
        self.path = folder / "whydesk.yaml"
        self.state = folder / "state"
        state = SandboxState.model_validate(sandbox.state())
        self.secrets: Mapping[str, str] = state.secrets()
        write_tenant(state, sandbox.world.tenant, [], self.path)
        self.tenant: dict[str, Any] = yaml.safe_load(self.path.read_text())["tenants"][TENANT]
        monkeypatch.setenv("WHYDESK_CONFIG", str(self.path))
        for name, value in self.secrets.items():
            monkeypatch.setenv(name, value)

    def set(self, name: str, value: str) -> None:
        """Set a variable of the environment."""
        self._monkeypatch.setenv(name, value)

    async def whydesk(self, *arguments: str) -> Said:
        """Save the configuration and run a command to its end, beside the loop on which the sandbox answers."""
        self.path.write_text(yaml.safe_dump({"tenants": {TENANT: self.tenant}}))
        return await asyncio.to_thread(self._shell, *arguments)
