"""One run of the sandbox: a world behind all vendors' ports, the control port and the ClickHouse process."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from sandbox.clickhouse_front import ClickHouseFront
from sandbox.clock import Latency, stamp_millis, wall_clock
from sandbox.control import Control
from sandbox.credentials import CLICKHOUSE_USER, Credentials
from sandbox.docs_site import DocsSite
from sandbox.faults import FaultBoard
from sandbox.github import GitHub
from sandbox.github_shapes import WEB
from sandbox.journal import Journal
from sandbox.linear import Linear
from sandbox.server import Listener
from sandbox.standard import OWN_ACTOR, Standard
from sandbox.statuspage import StatusPageSite
from sandbox.stripe import Stripe
from sandbox.stripe_objects import build_account
from sandbox.tickets import Desk
from sandbox.vendor import Stage, Vendor
from sandbox.webhooks import Courier, StandardSigner, ZendeskSigner
from sandbox.world import World
from sandbox.world_files import load_world
from sandbox.zendesk import Zendesk

CHECKOUT = Path(__file__).resolve().parent.parent
CHILD_GOES = 2.0
"""Seconds that the ClickHouse process has to go before it is killed."""


class SandboxError(Exception):
    """The sandbox could not start; the message says what failed."""


class Sandbox:
    """A world at work. `async with Sandbox(world, clickhouse=False) as sandbox: sandbox.addresses["stripe"]`."""

    def __init__(
        self,
        world: World | Path | str,
        *,
        rows: int | None = None,
        clickhouse: bool = True,
        webhook_url: str = "",
        standard_webhook_url: str = "",
        latency: tuple[float, float] = (0.0, 0.0),
        seed: int = 0,
        now: datetime | None = None,
        listening: Callable[[], None] | None = None,
    ) -> None:
        """Load the world and reserve the ports; nothing answers before the `async with`.

        Args:
            world: A loaded world, or its folder (which the ClickHouse process needs).
            rows: Rows of baseline traffic in ClickHouse; the world's own number by default.
            clickhouse: Whether to start the ClickHouse process.
            webhook_url: Where Zendesk's events go; empty to send none.
            standard_webhook_url: The same for the Standard Webhooks helpdesk; made from `webhook_url`, with `standard` as its
                last part, if empty.
            latency: Bounds in seconds of how long each vendor thinks.
            seed: For the latency.
            now: What the world's times count from; the wall clock if None.
            listening: Called when all ports are taken, while ClickHouse still loads.

        Raises:
            WorldError: the folder holds no valid world.
            ValueError: ClickHouse is wanted but the world is not a folder.
        """
        self._folder = Path(world).resolve() if isinstance(world, Path | str) else None
        if clickhouse and self._folder is None:
            raise ValueError("the ClickHouse process reads the world from its folder: give a path, or clickhouse=False")
        self.world = world if isinstance(world, World) else load_world(world)
        # Vendors keep whole seconds: with them, what is written and what is compared are the same moment.
        self.now = (now or wall_clock()).astimezone(UTC).replace(microsecond=0)
        self.credentials = Credentials(zendesk_email=f"whydesk@{self.world.about.domain}")
        self.journal = Journal()
        self.faults = FaultBoard()
        stage = Stage(self.journal, self.faults, Latency(*latency, seed), self.now)
        urls = {"zendesk": webhook_url, "standard": standard_webhook_url or _sibling(webhook_url)}
        self.courier = Courier(urls)
        self.desk = Desk(self.world, self.now)
        self._rows = rows
        self._listening = listening
        self._front = ClickHouseFront(stage) if clickhouse else None
        self._child: asyncio.subprocess.Process | None = None
        self.zendesk, self.standard = self._helpdesks(stage)
        self.vendors: dict[str, Vendor] = {vendor.name: vendor for vendor in self._vendors(stage)}
        self.listeners = {name: Listener(vendor) for name, vendor in self.vendors.items()}
        self.control = Control(self)
        self._control_listener = Listener(self.control.app)

    def _helpdesks(self, stage: Stage) -> tuple[Zendesk, Standard]:
        keys = self.credentials
        zendesk = Zendesk(
            stage,
            self.desk,
            self.courier,
            ZendeskSigner(keys.zendesk_secret, webhook_id="01SANDBOXWEBHOOK"),
            email=keys.zendesk_email,
            token=keys.zendesk_token,
        )
        standard = Standard(
            stage,
            self.desk,
            self.courier,
            StandardSigner(keys.standard_secret),
            secret=keys.standard_secret,
            token=keys.standard_token,
        )
        return zendesk, standard

    def _vendors(self, stage: Stage) -> list[Vendor]:
        world, keys = self.world, self.credentials
        account = build_account(world.billing, world.logs.usage, self.now, world.tenant.metadata_key)
        upstream = [StatusPageSite(stage, page, name=f"statuspage-{page.id}") for page in world.status.upstream]
        front: list[Vendor] = [self._front] if self._front else []
        return [
            self.zendesk,
            self.standard,
            Linear(stage, world.bugs, company=world.about.company, api_key=keys.linear_key),
            Stripe(stage, account, keys.stripe_key),
            GitHub(stage, world.deployments, keys.github_token),
            StatusPageSite(stage, world.status.own, name="statuspage"),
            *upstream,
            DocsSite(stage, world),
            *front,
        ]

    @property
    def addresses(self) -> Mapping[str, str]:
        """Vendor to where its API starts; Linear's is its one GraphQL address."""
        return {
            name: listener.address + ("/graphql" if name == "linear" else "")
            for name, listener in self.listeners.items()
        }

    @property
    def control_address(self) -> str:
        """Where the control API is."""
        return self._control_listener.address

    def state(self) -> dict[str, JsonValue]:
        """Return what the state file holds: addresses, credentials and names, secrets included."""
        keys = self.credentials
        standard = self.addresses["standard"]
        pages: list[JsonValue] = [
            {"name": self.world.status.own.name, "url": self.addresses["statuspage"], "upstream": False}
        ]
        for page in self.world.status.upstream:
            pages.append({"name": page.name, "url": self.addresses[f"statuspage-{page.id}"], "upstream": True})
        credentials: dict[str, JsonValue] = {
            "zendesk": {
                "email": keys.zendesk_email,
                "token": keys.zendesk_token,
                "webhook_secret": keys.zendesk_secret,
                "actor_id": str(self.desk.own.id),
            },
            "standard": {
                "ticket_url": f"{standard}/tickets/{{ticket}}",
                "note_url": f"{standard}/notes",
                "token": keys.standard_token,
                "webhook_secret": keys.standard_secret,
                "actor_id": OWN_ACTOR,
            },
            "linear": {"api_key": keys.linear_key},
            "stripe": {"api_key": keys.stripe_key, "metadata_key": self.world.tenant.metadata_key},
            "github": {
                "token": keys.github_token,
                "web": WEB,
                "repositories": [one.name for one in self.world.deployments.repositories],
            },
        }
        if self._front is not None:
            credentials["clickhouse"] = {"user": CLICKHOUSE_USER, "password": keys.clickhouse_password}
        return {
            "world": self.world.about.name,
            "folder": str(self._folder) if self._folder else None,
            "pid": os.getpid(),
            "now": stamp_millis(self.now),
            "control": self.control_address,
            "addresses": dict(self.addresses),
            "credentials": credentials,
            "status_pages": pages,
            "ticket_keys": list(self.desk.keys),
        }

    async def __aenter__(self) -> Self:
        """Start the ports and wait until ClickHouse answers.

        Raises:
            SandboxError: the ClickHouse process did not come up.
        """
        try:
            for listener in (*self.listeners.values(), self._control_listener):
                await listener.start()
            if self._listening is not None:
                self._listening()
            if self._front is not None:
                self._front.upstream = await self._start_clickhouse()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything and end the ClickHouse process."""
        await self._stop()

    async def _start_clickhouse(self) -> str:
        """Return the engine's address as soon as it answers."""
        rows = ("--rows", str(self._rows)) if self._rows is not None else ()
        # Gone as soon as the engine is up, so that not even a kill -9 later leaves it behind.
        with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
            ready, errors = Path(scratch) / "ready.json", Path(scratch) / "stderr.txt"
            with errors.open("wb") as stderr:
                self._child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "sandbox.clickhouse", "--world", str(self._folder), *rows, "--now", self.now.isoformat()),
                    *("--port", "0", "--ready-file", str(ready), "--parent-pid", str(os.getpid())),
                    # Not in the scratch folder, which goes first.
                    *("--data", tempfile.gettempdir()),
                    *("--user", CLICKHOUSE_USER, "--password", self.credentials.clickhouse_password),
                    cwd=CHECKOUT,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=stderr,
                )
            while not ready.exists():
                if self._child.returncode is not None:
                    said = errors.read_text(errors="replace").strip().splitlines()[-5:]
                    reason = "\n".join(said) or f"exit code {self._child.returncode}"
                    raise SandboxError(f"the ClickHouse process ended before it was ready:\n{reason}")
                await asyncio.sleep(0.05)
            return f"http://127.0.0.1:{json.loads(ready.read_text())['port']}"

    async def _stop(self) -> None:
        if self._child is not None and self._child.returncode is None:
            self._child.terminate()
        await self.courier.aclose()
        for listener in (*self.listeners.values(), self._control_listener):
            await listener.close()
        if self._front is not None:
            await self._front.aclose()
        if self._child is not None:
            try:
                await asyncio.wait_for(self._child.wait(), CHILD_GOES)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._child.kill()
                await self._child.wait()


def _sibling(url: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/standard" if url else ""
