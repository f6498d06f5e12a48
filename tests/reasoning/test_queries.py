"""From a query to a question: references, windows, scope."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue

from models.customer import Anchors, Customer, Window
from models.diagnosis import Fact
from models.evidence import SourceRequest
from models.playbook import Query
from models.vocabulary import Scope
from reasoning.queries import Skipped, check_reference, plan_queries, resolve_query
from tests.reasoning.case import PLAYBOOK

SYMPTOM = datetime(2026, 3, 12, 14, 7, 31, tzinfo=UTC)
NOW = datetime(2026, 3, 12, 15, 0, 40, tzinfo=UTC)
ANCHORS = Anchors(
    reported_at=NOW,
    symptom_at=SYMPTOM,
    window=Window(start=SYMPTOM, end=NOW),
    customer=Customer(id="acct_1", billing_id="cus_1", resolved_by="helpdesk-field"),
    error_codes=("rate_limited", "timeout"),
    terms=("search",),
)
NOBODY = ANCHORS.model_copy(update={"customer": None, "customer_problem": "2 customers match"})


def query(scope: Scope = Scope.CUSTOMER, source: str = "stripe", **more: object) -> Query:
    return Query.model_validate(
        {"id": "q", "source": source, "title": "t", "scope": scope, "operation": "list_charges", **more}
    )


def ask(
    asked: Query, anchors: Anchors = ANCHORS, now: datetime = NOW, facts: dict[str, Fact] | None = None
) -> SourceRequest:
    resolved = resolve_query(asked, anchors, facts or {}, now)
    assert isinstance(resolved, SourceRequest), resolved
    return resolved


def skipped(asked: Query, anchors: Anchors = ANCHORS, facts: dict[str, Fact] | None = None) -> str:
    resolved = resolve_query(asked, anchors, facts or {}, NOW)
    assert isinstance(resolved, Skipped)
    return resolved.reason


def test_all_queries_are_planned_in_order() -> None:
    assert [planned.id for planned in plan_queries(PLAYBOOK)] == [each.id for each in PLAYBOOK.queries]


def test_a_customer_question_carries_the_customer_and_others_do_not() -> None:
    assert ask(query()).customer == "acct_1"
    assert ask(query(Scope.SHARED, "github")).customer is None
    assert ask(query(Scope.FLEET, "clickhouse")).customer is None


def test_without_a_customer_a_customer_question_is_skipped_and_says_why() -> None:
    assert skipped(query(), NOBODY) == "no customer: 2 customers match"
    assert ask(query(Scope.SHARED, "github"), NOBODY).customer is None


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("$anchors.error_codes", ["rate_limited", "timeout"]),
        ("$anchors.error_codes.0", "rate_limited"),
        ("$anchors.symptom_at", "2026-03-12T14:07:31Z"),
        ("$customer.billing_id", "cus_1"),
        ("$window.end", "2026-03-12T15:00:40Z"),
        ("$facts.route", "/v1/search"),
        ("$facts.at", "2026-03-12T14:00:00Z"),
        (["$anchors.routes", "$anchors.terms", "billing", "$anchors.terms"], ["search", "billing"]),
        ("literal", "literal"),
        (5, 5),
        ([], []),
    ],
)
def test_references(value: JsonValue, resolved: JsonValue) -> None:
    facts = {
        "route": Fact(id="route", label="", value="/v1/search"),
        "at": Fact(id="at", label="", value=datetime(2026, 3, 12, 14, tzinfo=UTC)),
    }
    assert ask(query(parameters={"x": value}), facts=facts).parameters == {"x": resolved}


@pytest.mark.parametrize(
    "value",
    [
        "$anchors.routes",
        "$anchors.invoices.0",
        "$customer.region",
        "$facts.unknown",
        "$facts.absent",
        ["$anchors.routes"],
    ],
)
def test_a_reference_without_a_value_skips_the_question_unless_it_has_a_default(value: JsonValue) -> None:
    facts = {"unknown": Fact(id="unknown", label="", value=None)}
    assert skipped(query(parameters={"x": value}), facts=facts).endswith("has no value")
    assert ask(query(parameters={"x": value}, defaults={"x": ""}), facts=facts).parameters == {"x": ""}


def test_the_region_is_the_tenants() -> None:
    resolved = resolve_query(query(parameters={"x": "$tenant.region"}), ANCHORS, {}, NOW, tenant_region="eu")
    assert isinstance(resolved, SourceRequest)
    assert resolved.parameters == {"x": "eu"}


def test_a_window_never_reaches_beyond_now() -> None:
    window = ask(query(window={"before": "24h", "after": "12h"})).window
    assert window == Window(start=SYMPTOM - timedelta(hours=24), end=NOW)
    past = ask(query(window={"before": "1h", "after": "30m"}), now=NOW + timedelta(days=3)).window
    assert past == Window(start=SYMPTOM - timedelta(hours=1), end=ANCHORS.reported_at + timedelta(minutes=30))


def test_a_vague_start_widens_the_window_and_the_report_ends_it() -> None:
    vague = ANCHORS.model_copy(
        update={"symptom_at": SYMPTOM - timedelta(days=7), "symptom_slack_minutes": 480, "reported_at": NOW}
    )
    window = ask(query(window={"before": "24h", "after": "1h"}), vague).window
    assert window == Window(start=SYMPTOM - timedelta(days=8, hours=8), end=NOW)


@pytest.mark.parametrize(("hours", "step"), [(24, 180), (48, 180), (72, 300), (24 * 7, 900), (24 * 90, 14_400)])
def test_the_step_keeps_a_series_within_the_rows(hours: int, step: int) -> None:
    asked = query(
        source="clickhouse", operation="sql", sql="SELECT 1", rows=1000, parameters={"step": "$window.step"},
        window={"before": f"{hours}h", "after": "0m"},
    )  # fmt: skip
    exact = ANCHORS.model_copy(update={"symptom_at": ANCHORS.reported_at})
    assert ask(asked, exact).parameters == {"step": step}


@pytest.mark.parametrize("scope", [Scope.SHARED, Scope.FLEET])
def test_two_tickets_of_one_outage_ask_the_same_shared_question(scope: Scope) -> None:
    other = ANCHORS.model_copy(update={"symptom_at": SYMPTOM + timedelta(minutes=20), "customer": None})
    asked = query(scope, "github", window={"before": "24h", "after": "2h"})
    first, second = ask(asked), ask(asked, other, NOW + timedelta(seconds=15))
    assert first == second
    assert first.window == Window(
        start=datetime(2026, 3, 11, 14, tzinfo=UTC), end=datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
    )


def test_an_empty_window_is_skipped() -> None:
    early = resolve_query(query(window={"before": "0m", "after": "2h"}), ANCHORS, {}, SYMPTOM - timedelta(hours=1))
    assert isinstance(early, Skipped)


def test_the_request_keeps_limits_and_text() -> None:
    sql = "SELECT 1 FROM requests WHERE ts >= {start:DateTime64(3)}"
    asked = ask(query(source="clickhouse", operation="sql", sql=sql, rows=7))
    assert (asked.text, asked.row_limit, asked.operation) == (sql, 7, "sql")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("anchors.routes", ""),
        ("anchors.routes.0", ""),
        ("facts.onset", ""),
        ("anchors.root", "$anchors has no 'root'"),
        ("facts.other", "$facts has no 'other'"),
        ("customer.email", "$customer has no 'email'"),
        ("secret.x", "starts with none of"),
    ],
)
def test_references_are_checked_when_a_playbook_loads(reference: str, said: str) -> None:
    assert check_reference(reference, {"onset": 1}).startswith(said) or said in check_reference(reference, {"onset": 1})
    assert bool(check_reference(reference, {"onset": 1})) == bool(said)
