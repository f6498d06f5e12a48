"""Past tickets go out without people: of a made world's customers none is named, and the rules say the same as before."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from evals.generate.make import make
from evals.generate.writer import write_world
from ledger.store import SqlLedger
from models.base import Row
from models.customer import Anchors, Customer
from models.evidence import Evidence
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef
from models.vocabulary import CauseClass, Scope
from sandbox.world import Customer as Client
from sandbox.world import World
from sandbox.world_files import load_world
from tests.cli.command import Shell
from tests.cli.past_runs import ANCHORS, REPORTED, ROWS, evidence, refused, write_failed_run, write_run
from tests.master_keys import KEYRING


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("exported") / "world"
    write_world(make(7, 20), folder)
    return load_world(folder)


def billed(world: World, client: Client) -> str:
    return next(one.id for one in world.billing.customers if one.customer == client.id)


def names(world: World) -> Iterator[str]:
    """Yield all that names a customer of a world or somebody there."""
    for client in world.customers:
        yield from (client.id, client.name, client.domain, *(key.id for key in client.keys))
        for contact in client.contacts:
            yield from (contact.name, contact.email)
    for bill in world.billing.customers:
        yield from (bill.id, bill.email, bill.name)


class Past:
    """A ledger of tickets whose writers are customers of a world, and whose evidence names them and each other."""

    def __init__(self, folder: Path, world: World, shell: Shell) -> None:
        self.folder = folder
        self.world = world
        self.shell = shell
        self.url = f"sqlite:///{folder}/state/ledger.db"
        self.loaded = refused(folder / "mine")
        self.clients = [client for client in world.customers if client.contacts][:3]

    def write(
        self, number: str, at: int, verdict: FeedbackVerdict | None, cause: CauseClass | None = None, route: str = "/v1"
    ) -> RunKey:
        """Write a run of one customer; others stand in a bug that everybody's tickets find."""
        client = self.clients[at]
        anchors = self._anchors(client).model_copy(update={"routes": (route,)})
        key = asyncio.run(
            write_run(self.url, self.loaded, number, ROWS, anchors, partial(self._ticket, client), self._rows(client))
        )
        if verdict is not None:
            asyncio.run(self._say(key, verdict, cause))
        return key

    def export(self, *more: str) -> tuple[int, str]:
        said = self.shell("eval", "export", str(self.out), "--tenant", "acme", "--since", "1d", *more)
        return said.code, said.out + said.err

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.out.rglob("*.json"))}

    async def _say(self, key: RunKey, verdict: FeedbackVerdict, cause: CauseClass | None) -> None:
        async with await SqlLedger.open(self.url, KEYRING) as ledger:
            said = Feedback(
                revision=1, verdict=verdict, who="ops", cause=cause, comment="Ada said so", given_at=REPORTED
            )
            await ledger.give_feedback(key, said)

    def _anchors(self, client: Client) -> Anchors:
        who = Customer(
            id=client.id,
            name=client.name,
            billing_id=billed(self.world, client),
            plan=client.plan,
            resolved_by="organization",
        )
        return ANCHORS.model_copy(update={"customer": who, "key_ids": (client.keys[0].id,), "terms": (client.name,)})

    def _rows(self, client: Client) -> list[Evidence]:
        key = client.keys[0].id
        others = "; ".join(f"{one.name} ({one.contacts[0].email}, {one.id})" for one in self.clients)
        rows: dict[str, tuple[Row, ...]] = {
            "keys": ({**ROWS["keys"][0], "key_id": key, "seen_accounts": client.id},),
            "bugs": (
                {
                    **ROWS["bugs"][0],
                    "title": f"Keys refused, say {others}",
                    "description": f"{self.clients[2].contacts[0].name} of {self.clients[2].domain} calls",
                },
            ),
            "charges": ({**ROWS["charges"][0], "failure_message": f"{client.contacts[0].name} must call"},),
        }
        return [
            one.model_copy(
                update={
                    "customer": client.id if one.scope is Scope.CUSTOMER else None,
                    "asked": f"SELECT … WHERE account = '{client.id}'",
                    "parameters": {"terms": ["key", client.name]},
                    "url": f"https://desk.example.com/{client.id}",
                }
            )
            for one in evidence(self.loaded, rows)
        ]

    def _ticket(self, client: Client, ref: TicketRef) -> Ticket:
        contact = client.contacts[0]
        text = f"Our key {client.keys[0].id} is refused. {contact.name}, {client.name}"
        return Ticket(
            ref=ref,
            subject=f"{client.name}: key refused",
            status="open",
            requester=Person(id="7", name=contact.name, email=contact.email),
            organization=Organization(id="8", name=client.name, domains=(client.domain,)),
            messages=(Message(id="m1", role=Role.REQUESTER, public=True, text=text, created_at=REPORTED),),
            created_at=REPORTED,
            updated_at=REPORTED + timedelta(minutes=1),
        )


@pytest.fixture
def past(tmp_path: Path, world: World, whydesk: Shell) -> Past:
    return Past(tmp_path, world, whydesk)


def test_nobody_of_the_world_is_named_in_what_goes_out(past: Past, world: World) -> None:
    past.write("4711", 0, FeedbackVerdict.RIGHT)
    past.write("4712", 1, FeedbackVerdict.WRONG, CauseClass.NOTHING_WRONG)
    past.write("4713", 2, None)
    code, said = past.export()
    assert code == 0, said
    assert "left out: 1, nobody said what it was" in said
    assert sorted(past.texts) == ["about.json", "case-0001.json", "case-0002.json"]
    whole = "\n".join(past.texts.values()).casefold()
    left = [
        name
        for name in names(world)
        if len(name) > 3 and re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", whole)
    ]
    assert left == []
    for word in ("4711", "acme", "Ada said so", "desk.example.com", "2027"):
        assert word not in whole


def test_a_case_in_which_somebody_would_still_be_named_stays_here(past: Past) -> None:
    # Routes are the team's own and stay as they are, but one may be made for a customer.
    past.write("4711", 0, FeedbackVerdict.RIGHT, route=f"/hooks/{past.clients[1].domain}")
    past.write("4712", 1, FeedbackVerdict.RIGHT)
    code, said = past.export()
    assert code == 0
    assert "left out: 1, somebody would still be named" in said
    assert sorted(past.texts) == ["about.json", "case-0001.json"]


def test_what_is_the_same_stays_the_same_within_a_ticket(past: Past) -> None:
    past.write("4711", 0, FeedbackVerdict.RIGHT)
    past.export()
    case = json.loads(past.texts["case-0001.json"])
    rows = {item["query"]: item["rows"] for item in case["evidence"]}
    assert [rows["keys"][0]["key_id"]] == case["anchors"]["key_ids"]
    assert rows["keys"][0]["seen_accounts"] == case["anchors"]["customer"]["id"]
    assert rows["keys"][0]["refused"] == 196
    assert case["told"] == case["cause"]


def test_the_rules_are_scored_on_what_people_said(past: Past) -> None:
    past.write("4711", 0, FeedbackVerdict.RIGHT)
    past.write("4712", 1, FeedbackVerdict.WRONG, CauseClass.NOTHING_WRONG)
    past.export()
    said = past.shell("eval", "cases", str(past.out))
    assert said.code == 0, said.err
    page = (past.out / "report.md").read_text()
    assert "2 played of 2" in page
    assert "| cause, of all | 50.0% of 2" in page
    assert "| severity, where one was told | – |" in page
    assert f"whydesk eval cases {past.out}" in page
    assert "| rules | 2 | – |" in page, "nobody said a severity, so none can be false"


def test_another_version_is_scored_on_the_same_cases(past: Past, tmp_path: Path) -> None:
    past.write("4711", 0, FeedbackVerdict.RIGHT)
    past.export()
    other = tmp_path / "2.yaml"
    text = past.loaded.path.read_text()
    other.write_text(
        text.replace("version: 1", "version: 2").replace("supported_when: [mine]", "supported_when: ['!mine']")
    )
    said = past.shell("eval", "cases", str(past.out), "--playbook", str(other), "--out", str(tmp_path / "report"))
    assert said.code == 0, said.err
    page = (tmp_path / "report" / "report.md").read_text()
    assert "refused@2" in page
    said = past.shell("eval", "cases", str(past.out), "--playbook", "latency@1")
    assert said.code == 2
    assert "no case followed latency" in said.err


def test_nothing_to_export_says_what_makes_a_case(past: Past) -> None:
    past.write("4711", 0, None)
    asyncio.run(write_failed_run(past.url, "4714"))
    code, said = past.export()
    assert code == 2
    assert "left out: 1, nothing was kept of it" in said
    assert "whydesk feedback TICKET right" in said
    assert not past.out.exists()


def test_a_folder_that_holds_something_is_left_alone(past: Past) -> None:
    past.write("4711", 0, FeedbackVerdict.RIGHT)
    past.out.mkdir()
    (past.out / "mine.txt").write_text("mine")
    code, said = past.export()
    assert code == 2
    assert "is not empty" in said
    assert [path.name for path in past.out.iterdir()] == ["mine.txt"]
    said = past.shell("eval", "cases", str(past.out)).err
    assert "`whydesk eval export` writes such a folder" in said
