"""HelpdeskPool and the factory: one client each, known names, everything closed."""

import asyncio
from functools import partial

import pytest
from pydantic import HttpUrl

from helpdesks.base import Helpdesk, Receiver
from helpdesks.base import HelpdeskPool as Contract
from helpdesks.factory import make_helpdesk, make_receiver
from helpdesks.pool import HelpdeskPool
from helpdesks.standard import StandardHelpdesk
from helpdesks.standard_inbound import StandardReceiver
from helpdesks.zendesk import ZendeskHelpdesk
from helpdesks.zendesk_inbound import ZendeskReceiver
from models.tenant import StandardConfig, ZendeskConfig
from tests.helpdesks.signers import STANDARD_SECRET

ZENDESK = ZendeskConfig(
    kind="zendesk",
    base_url=HttpUrl("https://acme.zendesk.example"),
    email="bot@vendor.example",
    token="env:TOKEN",
    webhook_secrets=["env:FIRST", "env:SECOND"],
    actor_id="777",
)
STANDARD = StandardConfig(
    kind="standard",
    note_url=HttpUrl("https://desk.example/n"),
    ticket_url=HttpUrl("https://desk.example/t/{ticket}"),
    webhook_secrets=["env:STANDARD"],
)
SECRETS = {"env:TOKEN": "t", "env:FIRST": "one", "env:SECOND": "two", "env:STANDARD": STANDARD_SECRET}


def make(made: list[Helpdesk], config: ZendeskConfig | StandardConfig) -> Helpdesk:
    made.append(make_helpdesk(config, SECRETS.__getitem__, tenant="acme", helpdesk=config.kind))
    return made[-1]


async def test_one_client_for_each_helpdesk_of_each_tenant() -> None:
    made: list[Helpdesk] = []
    pool = HelpdeskPool(
        {
            ("acme", "zendesk"): partial(make, made, ZENDESK),
            ("acme", "desk"): partial(make, made, STANDARD),
            ("globex", "zendesk"): partial(make, made, ZENDESK),
        }
    )
    contract: Contract = pool
    first = await asyncio.gather(*(contract.get("acme", "zendesk") for _ in range(10)))
    assert len(made) == 1
    assert all(helpdesk is made[0] for helpdesk in first)
    assert isinstance(made[0], ZendeskHelpdesk)
    assert isinstance(await pool.get("acme", "desk"), StandardHelpdesk)
    assert await pool.get("globex", "zendesk") is not made[0]
    await pool.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await pool.get("acme", "zendesk")


async def test_an_unknown_helpdesk_names_those_of_that_tenant_alone() -> None:
    pool = HelpdeskPool(
        {("acme", "zendesk"): partial(make, [], ZENDESK), ("globex", "secret"): partial(make, [], ZENDESK)}
    )
    with pytest.raises(KeyError, match="zendesk") as caught:
        await pool.get("acme", "intercom")
    assert "secret" not in str(caught.value)
    with pytest.raises(KeyError, match="none"):
        await pool.get("nobody", "zendesk")


async def test_a_client_that_fails_to_close_does_not_keep_the_others_open() -> None:
    made: list[Helpdesk] = []

    class Stuck(ZendeskHelpdesk):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError("stuck")

    def stuck() -> Helpdesk:
        return Stuck(ZENDESK, "t", tenant="acme", helpdesk="b")

    pool = HelpdeskPool(
        {("acme", "a"): partial(make, made, ZENDESK), ("acme", "b"): stuck, ("acme", "c"): partial(make, made, ZENDESK)}
    )
    for name in "abc":
        await pool.get("acme", name)
    with pytest.raises(OSError, match="stuck"):
        await pool.aclose()
    assert all(isinstance(one, ZendeskHelpdesk) and one._http._client.is_closed for one in made)


def test_receivers_are_made_with_every_secret() -> None:
    receivers: list[Receiver] = [
        make_receiver(ZENDESK, SECRETS.__getitem__),
        make_receiver(STANDARD, SECRETS.__getitem__),
    ]
    assert [type(receiver) for receiver in receivers] == [ZendeskReceiver, StandardReceiver]
    with pytest.raises(KeyError):
        make_receiver(ZENDESK, {"env:FIRST": "one"}.__getitem__)
