"""`whydesk doctor` over a sandbox, a Temporal server and a ledger: what is well, and what each trouble is told as."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pydantic import HttpUrl, JsonValue
from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest
from temporalio.client import Client

from cli.connection import load_settings
from cli.dev_server import free_port, prepare_namespace
from cli.doctor_own import examine_ledger, examine_model, examine_temporal
from cli.doctor_report import FarEnd, Report
from cli.doctor_run import Examination, run_examinations
from ledger.circuits import SqlCircuitBoard
from ledger.controls import Change, SqlControls
from ledger.controls import Said as SaidOf
from ledger.store import SqlLedger
from models.control import PAUSED, source_scope, tenant_scope
from models.coordination import Circuit
from models.finding import Finding, FindingStatus
from models.tables import LOGICAL_TABLES
from models.tenant import ModelConfig
from models.vocabulary import Source
from settings import Settings
from tests.cli.command import Said, Shell
from tests.cli.installation import Installation
from tests.cli.running import CHECKOUT
from tests.helpdesks.far_end import SILENCE, say
from tests.helpdesks.far_end import FarEnd as Server
from tests.master_keys import KEYRING

OK, WARNING, FAILURE, UNKNOWN = FindingStatus.OK, FindingStatus.WARNING, FindingStatus.FAILURE, FindingStatus.UNKNOWN
FAR_ENDS = {
    ("temporal", "default"),
    ("ledger", "ledger"),
    ("helpdesk", "zendesk"),
    ("helpdesk", "standard"),
    *(("connector", name) for name in ("clickhouse", "linear", "stripe", "github", "docs", "statuspage")),
}


def report_of(said: Said) -> Report:
    assert "Traceback" not in said.out + said.err
    return Report.model_validate_json(said.out)


def far_end(report: Report, name: str) -> FarEnd:
    [found] = [one for one in report.far_ends if one.name == name]
    return found


def statuses(found: FarEnd | Sequence[Finding]) -> dict[str, FindingStatus]:
    lines = found.findings if isinstance(found, FarEnd) else found
    return {line.check: line.status for line in lines}


async def test_every_far_end_is_examined_once_and_nothing_is_written(installation: Installation) -> None:
    writes = len(installation.sandbox.journal.writes)
    said = await installation.whydesk("doctor", "--json")
    report = report_of(said)
    assert {(one.kind, one.name) for one in report.far_ends} == FAR_ENDS
    assert len(report.far_ends) == len(FAR_ENDS)
    assert all(one.findings for one in report.far_ends)
    assert {one.tenant for one in report.far_ends} == {None, "demo"}
    assert set(statuses(far_end(report, "zendesk")).values()) == {OK}
    assert statuses(far_end(report, "zendesk")).keys() >= {"reach", "key", "rights", "latency", "clock", "rate limit"}
    assert statuses(far_end(report, "standard"))["webhook secrets"] is OK
    for one in report.far_ends:
        assert "examination" not in statuses(one) or statuses(one)["examination"] is UNKNOWN, one
    failures = sum(line.status is FAILURE for one in report.far_ends for line in one.findings)
    assert report.counts[FAILURE] == failures
    assert said.code == (1 if failures else 0)
    assert (said.err, installation.state.exists()) == ("", False)
    assert len(installation.sandbox.journal.writes) == writes
    assert not [value for value in installation.secrets.values() if value in said.out]


async def test_a_person_gets_a_block_for_each_far_end_and_a_line_for_each_check(installation: Installation) -> None:
    installation.tenant["connectors"] = {}
    said = await installation.whydesk("doctor")
    assert said.code == 0
    assert "demo · helpdesk zendesk · " in said.out
    assert "✓ key " in said.out
    assert "! reach " in said.out, "no Temporal server, which `up` would start"
    assert "→ run `whydesk up`" in said.out
    assert "4 far ends examined: " in said.out


@pytest.mark.parametrize("variable", ["STRIPE_KEY", "ZENDESK_TOKEN", "STANDARD_TOKEN"])
async def test_a_wrong_key_is_told_with_what_to_change_and_never_shown(
    variable: str, installation: Installation
) -> None:
    wrong = "rk_test_wrongwrongwrongwrong"
    installation.set(variable, wrong)
    installation.tenant["connectors"] = {"stripe": installation.tenant["connectors"]["stripe"]}
    said = await installation.whydesk("doctor", "--json")
    report = report_of(said)
    assert (said.code, report.outcome) == (1, "failures")
    broken = {one.name for one in report.far_ends if FAILURE in statuses(one).values()}
    assert broken == {variable.partition("_")[0].lower()}
    [line] = [line for line in far_end(report, *broken).findings if line.status is FAILURE]
    assert line.check == "key"
    assert line.remedy
    assert wrong not in said.out


async def test_a_host_that_nobody_listens_at_is_told(installation: Installation) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    installation.tenant["helpdesks"]["zendesk"]["base_url"] = nobody
    connectors = installation.tenant["connectors"]
    installation.tenant["connectors"] = {name: connectors[name] | {"url": nobody} for name in ("stripe", "clickhouse")}
    said = await installation.whydesk("doctor")
    assert said.code == 1
    assert "to be mended: demo/zendesk, demo/clickhouse, demo/stripe" in said.out
    assert said.out.count("✗ reach ") == 3
    assert f"check connectors.clickhouse.url, now of '{nobody.removeprefix('http://')}'" in said.out


async def test_a_key_that_may_do_more_than_needed_is_a_warning_and_no_failure(installation: Installation) -> None:
    user: JsonValue = {"id": 42, "role": "admin", "suspended": False}
    async with Server(lambda _: say({"user": user})) as server:
        installation.tenant["helpdesks"]["zendesk"] |= {"base_url": server.url, "actor_id": "42"}
        installation.tenant["connectors"] = {}
        said = await installation.whydesk("doctor", "--json")
    assert said.code == 0
    assert statuses(far_end(report_of(said), "zendesk"))["rights"] is WARNING


async def test_a_far_end_that_never_answers_holds_up_nothing(installation: Installation) -> None:
    async with Server(lambda _: SILENCE) as server:
        installation.tenant["helpdesks"]["zendesk"]["base_url"] = server.url
        installation.tenant["connectors"] = {}
        said = await installation.whydesk("doctor", "--json", "--within", "1")
    report = report_of(said)
    assert said.code == 1
    [line] = far_end(report, "zendesk").findings
    assert (line.check, line.status, line.detail) == ("reach", FAILURE, "no answer within 1 s")
    assert set(statuses(far_end(report, "standard")).values()) == {OK, UNKNOWN}


async def test_another_users_id_as_actor_is_a_failure_with_the_line_to_write(installation: Installation) -> None:
    right = installation.tenant["helpdesks"]["zendesk"]["actor_id"]
    installation.tenant["helpdesks"]["zendesk"]["actor_id"] = "1"
    installation.tenant["connectors"] = {}
    said = await installation.whydesk("doctor", "--json")
    [line] = [line for line in far_end(report_of(said), "zendesk").findings if line.check == "actor"]
    assert (line.status, line.remedy) == (FAILURE, f'set `actor_id: "{right}"`')


async def test_a_malformed_webhook_secret_is_told_and_not_shown(installation: Installation) -> None:
    installation.set("STANDARD_WEBHOOK_SECRET", "whsec_not*base64*at*all")
    installation.tenant["connectors"] = {}
    said = await installation.whydesk("doctor", "--json")
    assert statuses(far_end(report_of(said), "standard"))["webhook secrets"] is FAILURE
    assert "not*base64" not in said.out


async def test_clickhouse_without_tables_is_a_warning(installation: Installation) -> None:
    installation.tenant["tables"] = {}
    installation.tenant["connectors"] = {"clickhouse": installation.tenant["connectors"]["clickhouse"]}
    report = report_of(await installation.whydesk("doctor", "--json"))
    found = statuses(far_end(report, "clickhouse"))
    assert found.get("tables") is WARNING or found == {"examination": UNKNOWN}


def test_a_configuration_that_cannot_be_used_is_another_exit_code(
    whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = whydesk("doctor")
    assert nothing.code == 2
    assert "does not exist or is empty; write it with `whydesk init`" in nothing.err
    (tmp_path / "whydesk.yaml").write_text("tenants:\n  acme: {mode: nto}\n")
    plain = whydesk("doctor")
    assert (plain.code, plain.out) == (2, "")
    assert "whydesk.yaml:2" in plain.err
    said = whydesk("doctor", "--json")
    report = report_of(said)
    assert (said.code, report.outcome, report.far_ends) == (2, "unusable", [])
    assert any("mode" in problem for problem in report.problems)


async def test_an_unknown_tenant_is_told_with_those_configured(installation: Installation) -> None:
    said = await installation.whydesk("doctor", "--tenant", "dmeo")
    assert (said.code, said.out) == (2, "")
    assert said.err == "whydesk: no tenant 'dmeo'; did you mean 'demo'? There are: demo\n"


async def test_a_proposed_mapping_can_be_pasted(installation: Installation) -> None:
    installation.tenant["connectors"] = {"clickhouse": installation.tenant["connectors"]["clickhouse"]}
    said = await installation.whydesk("doctor", "--suggest")
    assert (said.code, said.err) == (0, "")
    proposed = yaml.safe_load(said.out)["tenants"]["demo"]["tables"]
    assert proposed["requests"]["table"] == "edge.http_log"
    assert proposed.keys() <= LOGICAL_TABLES.keys()
    mappings = json.loads((await installation.whydesk("doctor", "--suggest", "--json")).out)["tables"]["demo"]
    assert {name: one["table"] for name, one in mappings.items()} == {n: one["table"] for n, one in proposed.items()}
    installation.tenant["tables"] = proposed
    await installation.whydesk("doctor", "--json")
    settings = Settings.load(os.environ)
    assert settings.tenants["demo"].tables["requests"].columns["ts"] == "logged_at"


async def test_no_proposal_without_clickhouse_or_its_answer(installation: Installation) -> None:
    clickhouse = installation.tenant["connectors"]["clickhouse"]
    installation.tenant["connectors"] = {}
    assert (await installation.whydesk("doctor", "--suggest")).code == 2
    installation.tenant["connectors"] = {"clickhouse": clickhouse | {"url": f"http://127.0.0.1:{free_port()}"}}
    lines = far_end(report_of(await installation.whydesk("doctor", "--json")), "clickhouse").findings
    assert [line.check for line in lines if line.status is FAILURE] == ["reach"]
    said = await installation.whydesk("doctor", "--suggest")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("whydesk: demo: ")
    assert "Traceback" not in said.err


async def test_as_a_process_it_says_the_same(installation: Installation) -> None:
    installation.tenant["connectors"] = {}
    inside = report_of(await installation.whydesk("doctor", "--json"))
    command = (sys.executable, "-m", "cli", "doctor", "--json")
    process = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    outside = Report.model_validate_json(out)
    assert process.returncode == 0
    assert [statuses(one) for one in outside.far_ends] == [statuses(one) for one in inside.far_ends]


# The runner


async def _breaks() -> Sequence[Finding]:
    raise KeyError("customer 4711's key")


async def _deaf() -> Sequence[Finding]:
    for _ in range(20):
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue
    return []


async def _leaks() -> Sequence[Finding]:
    return [Finding("key", FAILURE, "wrong key s3cret", "not s3cret")]


async def _nothing() -> Sequence[Finding]:
    return []


@pytest.mark.parametrize(
    ("look", "line"),
    [
        (_breaks, ("examination", FAILURE, "the examination itself broke: KeyError at tests/cli/test_doctor.py:")),
        (_deaf, ("reach", FAILURE, "no answer within 0.1 s")),
        (_leaks, ("key", FAILURE, "wrong key <secret>")),
        (_nothing, ("examination", UNKNOWN, "nothing was looked at")),
    ],
)
async def test_whatever_an_examination_does_it_ends_as_lines(
    look: Callable[[], Awaitable[Sequence[Finding]]], line: tuple[str, FindingStatus, str]
) -> None:
    examinations = [Examination("connector", "odd", look), Examination("connector", "even", _leaks)]

    def hide(text: str) -> str:
        return text.replace("s3cret", "<secret>")

    odd, even = await run_examinations(examinations, hide, within=0.1)
    [found] = odd.findings
    assert (found.check, found.status) == line[:2]
    assert found.detail.startswith(line[2])
    assert "4711" not in odd.model_dump_json() + even.model_dump_json()
    assert even.findings[0].remedy == "not <secret>"


# Temporal, the ledger, the models


async def test_a_prepared_namespace_is_well_and_a_missing_attribute_or_namespace_is_not(
    temporal_address: str, temporal: Client
) -> None:
    settings = load_settings({"TEMPORAL_ADDRESS": temporal_address})
    assert statuses(await examine_temporal(settings)) == dict.fromkeys(
        ("reach", "namespace", "search attributes", "latency"), OK
    )
    remove = RemoveSearchAttributesRequest(namespace=temporal.namespace, search_attributes=["Gaps"])
    await temporal.operator_service.remove_search_attributes(remove)
    try:
        [line] = [one for one in await examine_temporal(settings) if one.status is FAILURE]
        assert (line.detail, line.remedy) == ("missing: Gaps", "run `whydesk namespace`")
    finally:
        await prepare_namespace(temporal)
    other = load_settings({"TEMPORAL_ADDRESS": temporal_address, "TEMPORAL_NAMESPACE": "nowhere"})
    assert statuses(await examine_temporal(other))["namespace"] is FAILURE


async def test_a_temporal_server_that_is_configured_and_away_is_a_failure() -> None:
    [line] = await examine_temporal(load_settings({"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}))
    assert (line.check, line.status) == ("reach", FAILURE)
    assert "TEMPORAL_ADDRESS" in line.remedy


async def test_a_ledger_is_opened_and_neither_made_nor_migrated(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.db"
    url = f"sqlite:///{path}"
    assert statuses(await examine_ledger(url)) == {"reach": WARNING}
    assert not path.parent.exists()
    await (await SqlLedger.open(url, KEYRING)).aclose()
    assert statuses(await examine_ledger(url)) == {"reach": OK, "migrations": OK}
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert statuses(await examine_ledger(url)) == {"reach": OK, "migrations": FAILURE}
    path.write_text("not a database, and long enough not to be an empty one " * 40)
    assert statuses(await examine_ledger(url)) == {"reach": FAILURE}


async def test_an_empty_file_is_a_ledger_to_be_migrated(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    assert statuses(await examine_ledger(f"sqlite:///{path}"))["migrations"] is WARNING
    assert path.stat().st_size == 0


@pytest.mark.parametrize(
    ("status", "check", "expected"),
    [
        (200, "key", OK),
        (401, "key", FAILURE),
        (404, "key", UNKNOWN),
        (429, "reach", FAILURE),
        (500, "reach", FAILURE),
    ],
)
async def test_a_model_is_looked_up_and_never_asked(status: int, check: str, expected: FindingStatus) -> None:
    model = "claude-opus-5"
    found = {"id": model, "type": "model", "display_name": "x", "created_at": "2025-11-01T00:00:00Z"}
    body: JsonValue = dict(found) if status == 200 else {"type": "error", "error": {"type": "x", "message": "no"}}
    async with Server(lambda _: say(body, status)) as server:
        link = ModelConfig(model=model, api_key="env:KEY", base_url=HttpUrl(server.url))
        lines = await examine_model(link, lambda _: "sk-ant-s3cret")
    assert statuses(lines)[check] is expected
    assert [(one.method, one.path) for one in server.asked] == [("GET", f"/v1/models/{model}")]
    assert "s3cret" not in str(lines)


async def test_a_model_without_a_price_is_a_failure() -> None:
    link = ModelConfig(model="claude-none", api_key="env:K", base_url=HttpUrl(f"http://127.0.0.1:{free_port()}"))
    lines = await examine_model(link, lambda _: "sk-ant-s3cret")
    assert statuses(lines) == {"price": FAILURE}


def test_the_reports_times_have_a_zone() -> None:
    text = Report(examined_at=datetime.now(UTC), outcome="ok", counts={}, far_ends=[]).model_dump_json()
    assert json.loads(text)["examined_at"].endswith("Z")


async def test_a_source_that_workers_do_not_ask_is_named(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path}/ledger.db", datetime.now(UTC)
    async with await SqlLedger.open(url, KEYRING) as ledger:
        await SqlCircuitBoard(ledger.database).keep_circuit(
            Circuit(
                tenant="acme",
                source=Source.STATUSPAGE,
                worker="host:7",
                reason="10 failures in a row, the last one SlowAnswer",
                opened_at=now,
                until=now,
            )
        )
    [found] = [one for one in await examine_ledger(url) if one.check == "circuits"]
    assert found.status is WARNING
    assert "StatusPage of acme is not asked by host:7" in found.detail


async def test_what_ops_have_paused_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    async with await SqlLedger.open(url, KEYRING) as ledger:
        controls = SqlControls(ledger.database)
        paused = [Change(source_scope("stripe"), PAUSED, "yes"), Change(tenant_scope("acme"), PAUSED, "")]
        await controls.change(paused, SaidOf("ada", "pause", "source/stripe", "their migration"))
    [found] = [one for one in await examine_ledger(url) if one.check == "pauses"]
    assert found.status is WARNING
    assert found.detail.startswith("source/stripe: paused since ")
    assert found.detail.endswith("by ada: their migration")
