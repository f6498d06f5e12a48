"""Sentry as a plugin: its examination, its playbook, and a tenant that gathers evidence by configuration alone."""

from pathlib import Path

import pytest
from pydantic import JsonValue
from temporalio.testing import ActivityEnvironment

from activities.bodies import Bodies
from activities.gather import GatherActivities
from connectors.base import Connector, FindingStatus
from connectors.pool import PooledConnectors
from connectors.registry import operations_of, plugin
from ledger.store import SqlLedger
from models.customer import Anchors, Customer
from models.evidence import Evidence
from models.run import ClaimRequest, FetchRequest
from models.ticket import Trigger, TriggerKind
from models.vocabulary import EvidenceStatus, Source
from playbooks.library import Library, PlaybookError
from settings import Settings
from tests.activities.conftest import REF
from tests.cli.command import Shell
from tests.connectors.far_end import Reply, far_end
from tests.connectors.sentry_far_end import (
    BASE,
    EXAMPLE_SCOPES,
    NOW,
    TOKEN,
    WINDOW,
    a_release,
    connected,
    linked,
    sentry,
)
from tests.master_keys import KEYRING
from workflows.naming import investigation_id


async def test_an_examination_of_a_token_that_only_reads() -> None:
    async with connected() as (connector, _):
        found = {finding.check: finding for finding in await connector.examine()}
        assert {check: finding.status for check, finding in found.items()} == {
            "reach": FindingStatus.OK,
            "key": FindingStatus.OK,
            "rights": FindingStatus.OK,
            "shape": FindingStatus.OK,
            "latency": FindingStatus.OK,
            "clock": FindingStatus.UNKNOWN,
        }


@pytest.mark.parametrize(
    ("auth", "status", "detail"),
    [
        ({"scopes": EXAMPLE_SCOPES}, FindingStatus.OK, "only reads"),
        ({"scopes": [*EXAMPLE_SCOPES, "project:releases", "event:admin"]}, FindingStatus.WARNING, "event:admin"),
        (None, FindingStatus.UNKNOWN, "does not tell"),
    ],
)
async def test_a_token_that_allows_more_or_less_is_told(auth: JsonValue, status: FindingStatus, detail: str) -> None:
    async with connected() as (connector, end):
        end.handler = lambda seen: Reply({"auth": auth}) if seen.path == "/api/0/" else sentry(seen)
        [rights] = [finding for finding in await connector.examine() if finding.check == "rights"]
        assert rights.status is status
        assert detail in rights.detail
        assert bool(rights.remedy) is (status is FindingStatus.WARNING)


@pytest.mark.parametrize(
    ("path", "reply", "check", "remedy"),
    [
        ("/api/0/", Reply({}, status=401), "key", "connectors.sentry.token"),
        (f"{BASE}/releases/", Reply({}, status=403), "key", "event:read"),
        (f"{BASE}/issues/", Reply({}, status=404), "reach", "connectors.sentry.organization"),
        (f"{BASE}/releases/", linked([a_release(newGroups="two")]), "shape", "connectors.sentry.url"),
        (f"{BASE}/issues/", Reply(reset=True), "reach", "connectors.sentry.url"),
    ],
)
async def test_an_examination_that_fails_names_what_to_change(path: str, reply: Reply, check: str, remedy: str) -> None:
    async with connected() as (connector, end):
        end.handler = lambda seen: reply if seen.path == path else sentry(seen)
        [finding] = await connector.examine()
        assert (finding.check, finding.status) == (check, FindingStatus.FAILURE)
        assert remedy in finding.remedy
        assert TOKEN not in str(finding)


PLAYBOOK = """\
format: 1
id: crashes
version: 1
title: Crashes
owner: support
review_by: 2099-01-01
applies_when: {fallback: true}
queries:
  - id: errors
    source: sentry
    title: errors of the customer
    scope: customer
    operation: search_issues
    parameters: {level: [error, fatal], tags: {region: eu}}
    row_sentence: "{title} since {first_seen}, {events} times"
  - id: releases
    source: sentry
    title: releases
    scope: shared
    operation: list_releases
    row_sentence: "{version} at {deployed_at}"
facts:
  crashes: {fn: count, label: kinds of error, unit: count, args: {query: errors}}
hypotheses:
  - id: bug
    cause: known_bug
    title: "Sentry knows {crashes} kinds of error of this customer"
    requires: [errors]
    supported_when: [crashes > 0]
    claims: [crashes, errors]
    next_step: look
next_steps: {look: Open the issue., inconclusive: Look., nothing-wrong: Ask., needs-info: Ask.}
"""


def written(tmp_path: Path, text: str = PLAYBOOK) -> Path:
    path = tmp_path / "playbooks" / "crashes" / "1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return tmp_path / "playbooks"


def test_a_playbook_of_ones_own_may_ask_sentry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = Shell(monkeypatch, capsys)("playbooks", "validate", str(written(tmp_path)))
    assert (said.code, said.err) == (0, "")
    assert said.out.rstrip().endswith("all valid")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("operation: list_releases", "operation: list_deploys", "no operation 'list_deploys'"),
        ("title: releases\n    scope: shared", "title: releases\n    scope: customer", "'list_releases' takes shared"),
        ("title: releases\n    scope: shared", "title: releases\n    scope: fleet", "sentry takes customer, shared"),
        ("level: [error, fatal]", "levels: error", "no parameter 'levels'"),
        ("{events} times", "{count} times", "no column 'count'"),
    ],
)
def test_a_mistake_in_a_question_to_sentry_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in PLAYBOOK
    with pytest.raises(PlaybookError, match=said):
        Library.load([written(tmp_path, PLAYBOOK.replace(old, new))])


WHYDESK = """\
tenants:
  acme:
    helpdesks:
      desk: {kind: standard, note_url: "https://d.example.com/n", ticket_url: "https://d.example.com/t/{ticket}",
             webhook_secrets: ["env:SIGNING"]}
    connectors:
      sentry: {url: "URL", organization: acme, token: "env:SENTRY_TOKEN", customer_tag: customer_id}
"""


async def test_a_tenant_gathers_evidence_from_sentry_by_its_configuration_alone(tmp_path: Path) -> None:
    async with far_end() as end, await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as ledger:
        end.handler = sentry
        config = tmp_path / "whydesk.yaml"
        config.write_text(WHYDESK.replace("URL", end.url), encoding="utf-8")
        tenant = Settings.load({"SENTRY_TOKEN": TOKEN, "SIGNING": "d2h5ZGVzaw=="}, config).tenants["acme"]
        part = tenant.connectors[Source.SENTRY]

        def make(_: str) -> Connector:
            return plugin(Source.SENTRY).make(part, {"env:SENTRY_TOKEN": TOKEN}.__getitem__)

        pool = PooledConnectors({Source.SENTRY: make})
        gather = GatherActivities(ledger, Bodies(ledger), pool, {"acme": tenant})
        trigger = Trigger(delivery="d1", kind=TriggerKind.CREATED, received_at=NOW)
        claim = ClaimRequest(ref=REF, investigation=investigation_id(REF), trigger=trigger, owner="run-1")
        customer = Customer(id="org_31", name="Quill", resolved_by="organization")
        anchors = Anchors(reported_at=NOW, symptom_at=NOW, window=WINDOW, customer=customer)
        request = FetchRequest(
            key=(await ledger.claim_delivery(claim)).key,
            playbook=await ledger.put_body("acme", Library.load([written(tmp_path)]).get("crashes").playbook),
            query="errors",
            evidence="E1",
            anchors=await ledger.put_body("acme", anchors),
        )
        try:
            ref = await ActivityEnvironment().run(gather.fetch_evidence, request)
        finally:
            await pool.aclose()
        kept = await ledger.get_body("acme", ref.digest, Evidence)
        assert (kept.status, kept.customer, len(kept.rows)) == (EvidenceStatus.FOUND, "org_31", 2)
        assert set(kept.rows[0]) == operations_of(Source.SENTRY)["search_issues"].columns
        assert 'tags[customer_id]:"org_31"' in end.requests[0].one("query")
        assert TOKEN not in kept.model_dump_json()
