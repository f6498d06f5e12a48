"""Lines of runs and truths that the tests of scores share."""

from datetime import UTC, datetime, timedelta

from evals.generate.truth import Effect, Row
from evals.records import Arm, RunFacts, Said, Script, TicketRun
from evals.score.truth import Known, Truths
from models.customer import Anchors, Window
from models.evidence import Evidence
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Scope, Severity, Source

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
NOTE = """\
The release abc1234 broke /v1/search

Severity high: confidence high (9 of 9 checks answered); cause: deploy regression

Evidence

  • 34% of the requests failed since 2026-03-04 10:20 UTC (E1 · ClickHouse)
  • Deployment of abc1234 to production at 2026-03-04 10:15 UTC (E2 · GitHub)

Ruled out

  • API-77 is closed (E3 · Linear)

Next step: Roll it back.
"""
FACTS = RunFacts(
    world="w" * 64,
    world_name="Nimbus",
    seed=1,
    generator="g" * 64,
    playbooks={"api-errors@1": "p" * 64},
    code="c" * 64,
    arms=(Arm.RULES,),
    rows=1000,
    began=NOW,
)


def item(
    number: int,
    source: Source,
    *rows: dict[str, str | int | float | None],
    customer: str | None = None,
    status: EvidenceStatus = EvidenceStatus.FOUND,
    asked: str = "",
) -> Evidence:
    return Evidence(
        id=f"E{number}",
        query=f"q{number}",
        source=source,
        title=f"query {number}",
        scope=Scope.CUSTOMER if customer else Scope.SHARED,
        customer=customer,
        status=status,
        rows=tuple(dict(row) for row in rows),
        asked=asked,
        window=Window(start=NOW - timedelta(hours=24), end=NOW),
        fetched_at=NOW,
    )


EVIDENCE = (
    item(
        1,
        Source.CLICKHOUSE,
        {"bucket": "2026-03-04T10:15:00Z", "requests": 120, "errors": 2},
        {"bucket": "2026-03-04T10:20:00Z", "requests": 100, "errors": 30},
        {"bucket": "2026-03-04T10:25:00Z", "requests": 50, "errors": 21},
        customer="org-1",
        asked='SELECT x FROM (SELECT y FROM "api"."calls") AS requests',
    ),
    item(
        2,
        Source.GITHUB,
        {"id": 881, "short_sha": "abc1234", "environment": "production", "created_at": "2026-03-04T10:15:09Z"},
        {"id": 882, "short_sha": "def5678", "environment": "production", "created_at": "2026-03-04T10:11:09Z"},
    ),
    item(3, Source.LINEAR, {"identifier": "API-77", "title": "Search fails for “quoted” words", "state": "Done"}),
)
ANCHORS = Anchors(
    reported_at=NOW,
    symptom_at=NOW - timedelta(hours=2),
    window=Window(start=NOW - timedelta(hours=2), end=NOW),
    routes=("/v1/search",),
)


def known(key: str = "t1", **changes: object) -> Known:
    return Known.model_validate(
        {
            "key": key,
            "axis": "find_it",
            "language": "en",
            "region": "fra",
            "customer": "org-1",
            "cause": CauseClass.DEPLOY_REGRESSION,
            "severities": (Severity.HIGH,),
            "outcomes": (Outcome.DIAGNOSED,),
            "required": (
                Row(source="clickhouse", table="requests", where={"customer": "org-1"}),
                Row(source="github", id="881"),
            ),
            "decoys": (Row(source="github", id="882"), Row(source="linear", id="API-77")),
            "effects": (Effect(unit="share_of_answers", size=0.3, noise=0.02, rows=400, affected=120),),
            "solvable": True,
            **changes,
        }
    )


def line(key: str = "t1", **changes: object) -> TicketRun:
    return TicketRun.model_validate(
        {
            "key": key,
            "arm": Arm.RULES,
            "playbook": "api-errors@1",
            "outcome": Outcome.DIAGNOSED,
            "cause": CauseClass.DEPLOY_REGRESSION,
            "severity": Severity.HIGH,
            "confidence": Confidence.HIGH,
            "said": (Said(text="34% of the requests failed", kept=True, true=True),),
            "note": NOTE,
            "evidence": EVIDENCE,
            "anchors": ANCHORS,
            "cited": ("E1", "E2"),
            "seconds": 4.0,
            **changes,
        }
    )


def truths(*tickets: Known) -> Truths:
    found = {one.key: one for one in tickets or (known(),)}
    people = {"org-1": ("org-1", "one.example", "cus_One1"), "org-2": ("org-2", "two.example", "cus_Two2")}
    return Truths(world=FACTS.world, name="Nimbus", tickets=found, people=people, tables={"requests": "api.calls"})


def scripted(key: str = "t1", **changes: object) -> TicketRun:
    return line(key, arm=Arm.MODEL, script=Script.HOSTILE, model="scripted", **changes)
