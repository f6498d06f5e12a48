"""The playbooks that ship: their fixtures hold, every hypothesis has both kinds of fixture, their SQL runs on the real engine."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from models.diagnosis import Draft, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.tables import LOGICAL_TABLES, TableMapping
from models.vocabulary import CauseClass, Outcome, Scope, Source, Verdict
from playbooks.fixtures import Fixture, FixtureAnswer, investigate, read_fixtures, run_fixture, run_fixtures
from playbooks.library import Library, LoadedPlaybook, PlaybookError
from playbooks.lock import SHIPPED
from reasoning.phrases import say_fact, say_row
from reasoning.sql import check_query, scope_query
from tests.shares import EVERY

SHIPPED_PLAYBOOKS = Library.load([SHIPPED]).newest()
FIXTURES = [
    (loaded, path.stem)
    for loaded in SHIPPED_PLAYBOOKS
    for path in sorted((loaded.path.parent / "fixtures").glob("*.yaml"))
]
EACH = pytest.mark.parametrize("loaded", SHIPPED_PLAYBOOKS, ids=lambda loaded: loaded.playbook.id)


@cache
def fixtures_of(folder: Path) -> Mapping[str, Fixture]:
    """Read a playbook's fixtures once for all tests."""
    [loaded] = [loaded for loaded in SHIPPED_PLAYBOOKS if loaded.path.parent == folder]
    return read_fixtures(loaded)


@cache
def investigated(folder: Path, name: str) -> tuple[Weighing, Draft, tuple[Evidence, ...]]:
    """Investigate a fixture as it is, once for all tests."""
    [loaded] = [loaded for loaded in SHIPPED_PLAYBOOKS if loaded.path.parent == folder]
    return investigate(loaded.playbook, fixtures_of(folder)[name])


@pytest.mark.parametrize(
    ("loaded", "name"), FIXTURES, ids=[f"{loaded.playbook.id}-{name}" for loaded, name in FIXTURES]
)
def test_fixture_holds(loaded: LoadedPlaybook, name: str) -> None:
    assert run_fixture(loaded.playbook, name, fixtures_of(loaded.path.parent)[name]).differences == ()


@EACH
def test_all_fixtures_are_read(loaded: LoadedPlaybook) -> None:
    assert [name for each, name in FIXTURES if each is loaded] == list(fixtures_of(loaded.path.parent))


@EACH
def test_every_hypothesis_has_a_supporting_fixture_and_a_near_miss(loaded: LoadedPlaybook) -> None:
    diagnosed, spared = set(), set()
    for name, fixture in fixtures_of(loaded.path.parent).items():
        weighing, draft, _ = investigated(loaded.path.parent, name)
        diagnosed.add(draft.hypothesis)
        named = {name for name, verdict in fixture.expect.verdicts.items() if verdict is not Verdict.SUPPORTED}
        spared |= {each.id for each in weighing.verdicts if each.id in named and each.verdict is not Verdict.SUPPORTED}
    names = {hypothesis.id for hypothesis in loaded.playbook.hypotheses}
    assert names - diagnosed == set()
    assert names - spared == set()


@EACH
def test_every_hypothesis_says_what_would_change_its_verdict(loaded: LoadedPlaybook) -> None:
    assert [each.id for each in loaded.playbook.hypotheses if not each.would_change.endswith(".")] == []


@EACH
def test_no_claim_of_any_fixture_is_left_without_a_sentence(loaded: LoadedPlaybook) -> None:
    playbook = loaded.playbook
    for name in fixtures_of(loaded.path.parent):
        weighing, draft, evidence = investigated(loaded.path.parent, name)
        facts = {fact.id: fact for fact in weighing.facts}
        by_id = {item.id: item for item in evidence}
        for claim in draft.claims:
            if claim.subject in by_id:
                query = playbook.query(by_id[claim.subject].query)
                assert query is not None
                sentences = [say_row(query, row) for row in by_id[claim.subject].rows]
                assert any(sentences)
            elif claim.subject in facts:
                assert "unknown" not in (say_fact(playbook, facts, claim.subject) or "unknown")


@EACH
@EVERY
def test_losing_any_one_source_never_makes_a_cause_of_nothing(loaded: LoadedPlaybook, every: int) -> None:
    """Take every query away in turn, from every fixture: no new diagnosis may come of it, and never `nothing-wrong`."""
    for number, (name, fixture) in enumerate(fixtures_of(loaded.path.parent).items()):
        _, whole, _ = investigated(loaded.path.parent, name)
        for query in loaded.playbook.queries[number % every :: every]:
            if query.follow_up and query.id not in fixture.evidence:
                continue
            lost = fixture.model_copy(update={"evidence": {**fixture.evidence, query.id: _failed()}})
            weighing, draft, _ = investigate(loaded.playbook, lost)
            if whole.outcome is not Outcome.NOTHING_WRONG:
                assert draft.outcome is not Outcome.NOTHING_WRONG, (fixture.says, query.id)
            if whole.outcome is Outcome.INCONCLUSIVE:
                assert draft.outcome is Outcome.INCONCLUSIVE, (fixture.says, query.id)
            assert any(gap.query == query.id for gap in weighing.not_checked)


@EACH
def test_first_round_is_small_and_uses_the_sources(loaded: LoadedPlaybook) -> None:
    first = [query for query in loaded.playbook.queries if not query.follow_up]
    assert len(first) <= 10
    assert {query.source for query in loaded.playbook.queries} >= {
        Source.CLICKHOUSE,
        Source.LINEAR,
        Source.STRIPE,
        Source.GITHUB,
        Source.DOCS,
    }
    causes = {hypothesis.cause for hypothesis in loaded.playbook.hypotheses}
    assert CauseClass.NOTHING_WRONG in causes


def test_a_fixture_with_a_wrong_name_is_refused(tmp_path: Path) -> None:
    general = next(loaded for loaded in SHIPPED_PLAYBOOKS if loaded.playbook.id == "general")
    folder = tmp_path / "general"
    (folder / "fixtures").mkdir(parents=True)
    (folder / "fixtures/x.yaml").write_text(
        "says: x\nreported_at: 2026-01-01T00:00:00Z\nevidence: {minuets: {}}\nexpect: {outcome: diagnosed}\n",
        encoding="utf-8",
    )
    copied = LoadedPlaybook(general.playbook, general.digest, folder / "1.yaml")
    with pytest.raises(PlaybookError, match="no query 'minuets'"):
        run_fixtures(copied)


def test_a_fixture_that_expects_something_else_fails_and_says_what(tmp_path: Path) -> None:
    general = next(loaded for loaded in SHIPPED_PLAYBOOKS if loaded.playbook.id == "general")
    folder = tmp_path / "general"
    (folder / "fixtures").mkdir(parents=True)
    (folder / "fixtures/x.yaml").write_text(
        "says: x\nreported_at: 2026-01-01T00:00:00Z\nexpect: {outcome: diagnosed, facts: {open_own: 3}, claims: [docs]}\n",
        encoding="utf-8",
    )
    [result] = run_fixtures(LoadedPlaybook(general.playbook, general.digest, folder / "1.yaml"))
    assert not result.passed
    assert "outcome: expected diagnosed, got inconclusive" in result.differences
    assert "fact open_own: expected 3, got 0" in result.differences
    assert any(line.startswith("claims: docs is not claimed") for line in result.differences)


_ENGINE = """
import json, sys
import chdb
job = json.load(sys.stdin)
session = chdb.connect(":memory:")
for statement in job["setup"]:
    session.query(statement)
answers = {}
for name, (sql, parameters) in job["queries"].items():
    answers[name] = [json.loads(line) for line in str(session.query(sql, "JSONEachRow", params=parameters)).splitlines()]
print(json.dumps(answers))
"""


def test_every_sql_query_runs_on_the_engine_with_the_columns_that_the_facts_read() -> None:
    queries = {}
    expected = {}
    for loaded in SHIPPED_PLAYBOOKS:
        for query in loaded.playbook.queries:
            if query.source is Source.CLICKHOUSE:
                checked = check_query(query.sql, query.scope)
                sql = scope_query(checked, _mappings(), query.scope, query.rows)
                queries[f"{loaded.playbook.id}.{query.id}"] = (
                    sql,
                    _values(loaded.playbook, query.id, checked.parameters),
                )
                expected[f"{loaded.playbook.id}.{query.id}"] = checked.columns
    job = json.dumps({"setup": _tables(), "queries": queries})
    done = subprocess.run([sys.executable, "-c", _ENGINE], input=job, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    for name, rows in answers.items():
        assert rows, name
        assert tuple(rows[0]) == expected[name], name
    load = answers["api-errors.load"][0]
    # Ten requests a minute of which half are limited at 8: all limited minutes are above the limit.
    assert (load["peak"], load["plan_limit"], load["limit_in_force"], load["over_share"]) == (10, 8, 8, 1)
    # 5 ms are four times 1.25 ms, but nobody notices them.
    assert [(int(row["requests"]), int(row["slow"])) for row in answers["general.pace"]] == [(150, 0)]
    versions = {row["version"]: int(row["errors"]) for row in answers["api-errors.versions"]}
    assert versions == {"v0": 0, "v1": 150}
    limited = next(row for row in answers["api-errors.kinds"] if row["error_code"] == "rate_limited")
    # The last 600 requests reach into the hour before, with its 60 that were answered.
    assert limited["route_failed_share"] == pytest.approx(150 / 360)
    [burst] = answers["api-errors.bursts"]
    assert (burst["route"], burst["error_code"], int(burst["faults"])) == ("/v1/files", "internal_error", 20)
    assert (int(burst["requests_after"]), int(burst["faults_after"])) == (70, 0)
    assert burst["ended_at"].startswith("2026-03-11 05:19:00")
    refusals = {row["key_id"]: row for row in answers["access-and-keys.refusals"]}
    assert (int(refusals["pk_2"]["refused_for_good"]), refusals["pk_2"]["works_again"]) == (10, 0)
    assert refusals["pk_2"]["first_at"].startswith("2026-03-12 10:10:00")
    # That route never let the key through, so every refusal counts, whatever the key may do elsewhere.
    assert (int(refusals["pk_1"]["refused_for_good"]), refusals["pk_1"]["works_again"]) == (4, 0)
    kinds = {row["failure"]: row["kind"] for row in answers["webhook-delivery.kinds"]}
    assert kinds == {"HTTP 503": "down", "tls_certificate_expired": "tls", "timeout": "down", "HMAC wrong": "refused"}
    manners = {row["failure"]: row["manner"] for row in answers["webhook-delivery.kinds"]}
    assert manners == {"HTTP 503": "server", "tls_certificate_expired": "", "timeout": "timeout", "HMAC wrong": ""}
    [endpoint] = answers["webhook-delivery.endpoints"]
    assert [int(endpoint[name]) for name in ("attempts", "failed", "events", "undelivered")] == [5, 4, 1, 0]
    [day] = answers["billing-dispute.usage_by_day"]
    assert (int(day["quantity"]), day["billed"]) == (700, 1)
    [usage] = answers["billing-dispute.usage_by_route"]
    assert (int(usage["quantity"]), int(usage["meter_total"]), usage["billed"]) == (700, 700, 1)


def _failed() -> FixtureAnswer:
    return FixtureAnswer.model_validate({"status": "failed"})


def _mappings() -> dict[str, TableMapping]:
    return {name: TableMapping(table=f"default.t_{name}") for name in LOGICAL_TABLES}


def _values(playbook: Playbook, query: str, parameters: object) -> dict[str, str]:
    moments = {"start": "2026-03-11 00:00:00", "end": "2026-03-13 00:00:00", "from": "2026-03-01 00:00:00"}
    moments |= {"to": "2026-04-01 00:00:00", "symptom": "2026-03-12 13:00:00", "reported": "2026-03-12 15:00:00"}
    # The usage is metered as `m`: the billing provider's other name for it, on an invoice with one meter, means the same.
    moments |= {"meter": "m_billed", "billed_meters": "1", "endpoint": "e"}
    moments |= {"step": "300", "onset": "2026-03-12 14:00:00"}
    moments |= {"begun": "2026-03-12 14:00:00", "until": "2026-03-12 20:00:00"}
    moments |= {"route": "/v1/search", "code": "rate_limited"}
    moments |= {"region": "eu", "limit": "2.5"}
    assert isinstance(parameters, dict)
    bound = {name: moments[name] for name in parameters}
    scope = next(item.scope for item in playbook.queries if item.id == query)
    return bound | ({"whydesk_customer": "c1"} if scope is Scope.CUSTOMER else {})


def _tables() -> list[str]:
    made = []
    for name, columns in LOGICAL_TABLES.items():
        shape = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        made.append(f"CREATE TABLE default.t_{name} ({shape}) ENGINE = MergeTree ORDER BY tuple()")
    at = datetime(2026, 3, 12, 14, tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S")
    made.append(
        "INSERT INTO default.t_requests SELECT toDateTime64('" + at + "', 3, 'UTC') + toIntervalSecond(number * 6),"
        " concat('c', toString(c)), 'r', 'GET', '/v1/search', if(number % 2, 429, 200), if(number % 2, 'rate_limited', ''),"
        " 5, 'eu', 'v1', 'pk_1', 8 FROM numbers(300) AS n CROSS JOIN (SELECT arrayJoin(range(1, 8)) AS c) AS k"
    )
    # The hour before, without an error and four times as fast.
    made.append(
        "INSERT INTO default.t_requests SELECT toDateTime64('2026-03-12 12:00:00', 3, 'UTC') + toIntervalSecond(number * 60),"
        " concat('c', toString(c)), 'r', 'GET', '/v1/search', 200, '', 1.25, 'eu', 'v0', 'pk_1', 8"
        " FROM numbers(60) AS n CROSS JOIN (SELECT arrayJoin(range(1, 8)) AS c) AS k"
    )
    # One key works and is then refused for good; another is refused on one route and works on others.
    made.append(
        "INSERT INTO default.t_requests SELECT toDateTime64('2026-03-12 10:00:00', 3, 'UTC') + toIntervalSecond(number * 60),"
        " 'c1', 'r', 'GET', '/v1/keys', if(number < 10, 200, 401), if(number < 10, '', 'key_revoked'), 1, 'eu', '', 'pk_2', 8"
        " FROM numbers(20) UNION ALL SELECT toDateTime64('2026-03-12 10:00:00', 3, 'UTC') + toIntervalSecond(number * 60),"
        " 'c1', 'r', 'GET', '/v1/keys', 403, 'permission_denied', 1, 'eu', '', 'pk_1', 8 FROM numbers(4)"
    )
    # A route fails for twenty minutes and is fine afterwards.
    made.append(
        "INSERT INTO default.t_requests SELECT toDateTime64('2026-03-11 05:00:00', 3, 'UTC') + toIntervalSecond(number * 60),"
        " 'c1', 'r', 'GET', '/v1/files', if(number < 20, 500, 200), if(number < 20, 'internal_error', ''), 1, 'eu', '', 'pk_3', 8"
        " FROM numbers(90)"
    )
    failures = ", ".join(
        f"('{at}', 'c{customer}', 'd', 'e', 'h', 't', {status}, '{error}', 40)"
        for customer in range(1, 8)
        for status, error in ((200, ""), (503, ""), (0, "tls_certificate_expired"), (0, "timeout"), (401, "HMAC wrong"))
    )
    made.append(f"INSERT INTO default.t_webhook_attempts VALUES {failures}")
    made.append(
        f"INSERT INTO default.t_usage VALUES ('{at}', 'c1', 'm', '/v1/a', 300), ('{at}', 'c1', 'm', '/v1/a', 400)"
    )
    made.append(f"INSERT INTO default.t_accounts VALUES ('c1', 'n', 'd', 'p', 'eu', 8, 1000, '{at}')")
    return made
