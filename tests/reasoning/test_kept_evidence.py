"""What kept evidence answers of another playbook: only what was asked exactly so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Customer, Window
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.hypotheses import weigh
from reasoning.kept_evidence import NOT_KEPT, Refitted, refit

PROBE = Path(__file__).parent.parent / "data" / "playbooks" / "probe" / "1.yaml"
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
ANCHORS = Anchors(
    reported_at=AT,
    symptom_at=AT,
    window=Window(start=AT - timedelta(hours=1), end=AT),
    customer=Customer(id="org_31", resolved_by="organization"),
    terms=("search",),
)


def probe(**changes: JsonValue) -> Playbook:
    """The small playbook, with keys of its queries replaced: `errors__sql=…`; None leaves the key out."""
    data = yaml.safe_load(PROBE.read_text())
    for name, value in changes.items():
        query, _, key = name.partition("__")
        [found] = [one for one in data["queries"] if one["id"] == query]
        if value is None:
            found.pop(key)
        else:
            found[key] = value
    return Playbook.model_validate(data)


def answer(name: str, query: str, *rows: Row, status: EvidenceStatus | None = None) -> Evidence:
    found = {one.id: one for one in probe().queries}.get(query)
    return Evidence(
        id=name,
        query=query,
        source=found.source if found else Source.STRIPE,
        title=found.title if found else "customer",
        scope=found.scope if found else Scope.SHARED,
        status=status or (EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY),
        rows=rows,
        fetched_at=AT,
    )


KEPT = (
    answer("E1", "customer", {"id": "cus_31"}),
    answer("E2", "errors", {"status": 429, "number": 40}),
    answer("E3", "incidents", {"name": "Elevated errors", "status": "investigating"}),
    answer("E4", "bugs"),
)


def fitted(new: Playbook, evidence: Sequence[Evidence] = KEPT) -> Refitted:
    return refit(probe(), new, ANCHORS, evidence)


def test_the_same_playbook_finds_all_that_it_had() -> None:
    again = fitted(probe())
    assert again.evidence == KEPT
    assert again.weighing == weigh(probe(), ANCHORS, KEPT)
    assert (again.unanswered, again.unused) == ((), ())


@pytest.mark.parametrize(
    "change",
    [
        {
            "errors__sql": "SELECT status, count() AS number FROM requests WHERE ts >= {start:DateTime64(3)} GROUP BY status"
        },
        {"errors__window": {"before": "7d"}},
        {"errors__rows": 10},
    ],
)
def test_a_question_that_changed_was_never_asked(change: dict[str, JsonValue]) -> None:
    again = fitted(probe(**change))
    assert again.unanswered == ("errors",)
    assert again.unused == ("errors",)
    [gap] = [item for item in again.evidence if item.query == "errors"]
    assert (gap.status, gap.reason, gap.rows) == (EvidenceStatus.SKIPPED, NOT_KEPT, ())
    assert not gap.shows_absence
    assert [item.id for item in again.evidence if item.id == "E2"] == [], "what is not an answer must not be cited"
    assert [(one.query, one.reason) for one in again.weighing.not_checked] == [("errors", NOT_KEPT)]
    failed = again.weighing.fact("failed")
    assert failed is not None
    assert failed.value is None


def test_words_around_a_question_change_nothing() -> None:
    sql = probe().queries[0].sql.replace("\n", "\n   ")
    again = fitted(probe(errors__sql=sql, errors__title="answers by status", errors__row_sentence="{status}: {number}"))
    assert (again.unanswered, again.unused) == ((), ())
    [found] = [item for item in again.evidence if item.query == "errors"]
    assert (found.id, found.title, found.rows) == ("E2", "answers by status", KEPT[1].rows)


def test_a_question_is_known_by_what_it_asks_not_by_its_name() -> None:
    data = yaml.safe_load(PROBE.read_text().replace("query: errors", "query: failures"))
    data["queries"][0]["id"] = "failures"
    for one in data["hypotheses"]:
        one["requires"] = ["failures" if name == "errors" else name for name in one["requires"]]
    again = fitted(Playbook.model_validate(data))
    assert (again.unanswered, again.unused) == ((), ())
    assert {item.query: item.id for item in again.evidence}["failures"] == "E2"


def test_a_follow_up_that_the_rules_want_and_nobody_asked_is_a_gap() -> None:
    again = fitted(probe(), KEPT[:3])
    assert again.unanswered == ("bugs",)
    assert [one.query for one in again.weighing.not_checked] == ["bugs"]
    healthy = (KEPT[0], answer("E2", "errors", {"status": 200, "number": 9}), answer("E3", "incidents"))
    assert fitted(probe(), healthy).unanswered == (), "a follow-up that nothing asks for is no gap"


def test_what_failed_then_has_failed_now() -> None:
    down = answer("E3", "incidents", status=EvidenceStatus.TIMED_OUT)
    again = fitted(probe(), (*KEPT[:2], down, KEPT[3]))
    assert again.unanswered == ()
    assert [one.query for one in again.weighing.not_checked] == ["incidents"]


def test_a_question_bound_to_a_fact_stands_only_while_the_fact_does() -> None:
    old = probe(bugs__parameters={"terms": ["$facts.failed"]})
    asked = KEPT[3].model_copy(update={"parameters": {"terms": [40]}})
    evidence = (*KEPT[:3], asked)
    assert refit(old, old, ANCHORS, evidence).unanswered == ()
    other = old.model_dump()
    other["facts"]["failed"]["args"] = {"query": "errors", "column": "number", "where": {"status": {"gte": 500}}}
    other["queries"][2]["ask_when"] = []
    again = refit(old, Playbook.model_validate(other), ANCHORS, evidence)
    assert [item.query for item in again.evidence] == ["customer", "errors", "incidents"]
    assert again.unused == ("bugs",)
