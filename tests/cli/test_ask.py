"""`whydesk ask` over a sandbox: the evidence is the one that an investigation would keep, and nothing is written."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.ask_question import find_query, over_window, with_parameters
from cli.dev_server import free_port
from cli.errors import UsageProblem
from models.base import digest_of, to_body
from models.evidence import Evidence
from models.playbook import Playbook, Query
from models.vocabulary import Scope, Source
from playbooks.library import Library
from sandbox.faults import Fault
from tests.cli.command import Said, Shell
from tests.cli.installation import Installation
from tests.cli.running import CHECKOUT

CUSTOMER = "ac_brightwater"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def told(said: Said) -> dict[str, Any]:
    assert said.err == ""
    found: dict[str, Any] = json.loads(said.out)
    return found


async def asked(installation: Installation, *arguments: str) -> dict[str, Any]:
    return told(await installation.whydesk("ask", *arguments, "--json"))


async def test_a_query_of_a_playbook_is_scoped_and_mapped_as_in_an_investigation(installation: Installation) -> None:
    found = await asked(installation, "clickhouse", "kinds", "--playbook", "api-errors", "--customer", CUSTOMER)
    evidence = Evidence.model_validate(found["evidence"])
    assert found["playbook"].startswith("api-errors@")
    assert evidence.status.answered
    assert (evidence.customer, evidence.scope) == (CUSTOMER, Scope.CUSTOMER)
    assert "http_log" in evidence.asked, "the tenant's own table"
    assert "whydesk_customer" in evidence.asked, "the filter that code adds"
    assert CUSTOMER not in evidence.asked, "bound, never written into the text"
    assert found["digest"] == digest_of(to_body(evidence))


async def test_nothing_is_written_anywhere(installation: Installation) -> None:
    writes = len(installation.sandbox.journal.writes)
    assert (await installation.whydesk("ask", "linear", "search_issues", "--param", "terms=limit")).code == 0
    assert len(installation.sandbox.journal.writes) == writes
    assert not installation.state.exists()


async def test_the_customers_billing_id_is_looked_up_where_a_query_needs_it(installation: Installation) -> None:
    found = await asked(installation, "stripe", "cards", "--customer", CUSTOMER)
    assert found["customer"]["id"] == CUSTOMER
    assert found["customer"]["billing_id"].startswith("cus_")
    assert found["evidence"]["parameters"]["billing_id"] == found["customer"]["billing_id"]
    assert found["evidence"]["status"] == "found"


async def test_an_address_is_resolved_as_a_requesters_is(installation: Installation) -> None:
    email = installation.sandbox.world.tickets.tickets[0].requester.email
    found = await asked(installation, "stripe", "list_invoices", "--customer", email, "--since", "90d")
    assert found["customer"]["resolved_by"] in ("billing-email", "accounts-domain")
    assert found["evidence"]["customer"] == found["customer"]["id"]


async def test_an_unknown_customer_is_skipped_with_the_reason(installation: Installation) -> None:
    said = await installation.whydesk("ask", "stripe", "cards", "--customer", "nobody@nowhere.example", "--json")
    assert said.code == 1
    evidence = told(said)["evidence"]
    assert evidence["status"] == "skipped"
    assert evidence["reason"].startswith("no customer: ")


async def test_an_operation_takes_lists_references_and_a_window(installation: Installation) -> None:
    found = await asked(installation, "linear", "search_issues", "--param", "terms=limit", "--param", "terms=render")
    assert found["evidence"]["parameters"]["terms"] == ["limit", "render"]
    found = await asked(installation, "linear", "search_issues", "--param", "terms=limit")
    assert found["evidence"]["parameters"]["terms"] == ["limit"]
    found = await asked(
        installation, "github", "list_deployments", "--since", "2026-01-01T00:30Z", "--until", "2026-01-02T00:00Z"
    )
    window = found["evidence"]["window"]
    assert window == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}, "shared: from hour to hour"
    assert found["evidence"]["status"] == "empty"


async def test_a_cap_that_cut_rows_shows(installation: Installation) -> None:
    said = await installation.whydesk(
        "ask", "clickhouse", "minutes", "--playbook", "api-errors", "--customer", CUSTOMER, "--since", "90d"
    )
    whole = await asked(installation, "clickhouse", "minutes", "--playbook", "api-errors", "--customer", CUSTOMER)
    assert said.err == ""
    for word in ("status ", "rows ", "asked ", "digest ", "window "):
        assert word in said.out
    assert whole["evidence"]["truncated"] is (len(whole["evidence"]["rows"]) < (whole["evidence"]["total"] or 0))


async def test_redacted_rows_are_those_that_a_model_is_shown(installation: Installation) -> None:
    arguments = ("stripe", "find_customer", "--customer", CUSTOMER)
    plain = await asked(installation, *arguments)
    shown = await asked(installation, *arguments, "--redacted")
    address = plain["evidence"]["rows"][0]["email"]
    assert "@" in address
    assert address not in json.dumps(shown)
    assert shown["evidence"]["rows"][0]["email"].startswith("<EMAIL_")
    name = plain["evidence"]["rows"][0]["id"]
    assert shown["evidence"]["rows"][0]["id"] == name, "no pattern knows it"
    installation.tenant["redact"] = {"ID": name[:6] + "[A-Za-z0-9]+"}
    assert (await asked(installation, *arguments, "--redacted"))["evidence"]["rows"][0]["id"].startswith("<ID_")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("strpe", "charges"), "did you mean 'stripe'?"),
        (("stripe", "cards"), "name it with --customer"),
        (("docs", "search", "--param", "terms=a", "--param", "limit=many"), "limit"),
        (("github", "list_deployments", "--tenant", "dmeo"), "did you mean 'demo'?"),
        (("github", "list_deployments", "--since", "1h", "--until", "2h"), "is not before"),
    ],
)
async def test_a_slip_is_told_with_what_there_is(
    arguments: tuple[str, ...], words: str, installation: Installation
) -> None:
    said = await installation.whydesk("ask", *arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "Traceback" not in said.err


@pytest.fixture(scope="module")
def books() -> list[Playbook]:
    return [loaded.playbook for loaded in Library.load([CHECKOUT / "playbooks"]).newest()]


@pytest.mark.parametrize(
    ("source", "name", "playbook", "words"),
    [
        (Source.STRIPE, "chrges", None, "did you mean 'charges'?"),
        (Source.STRIPE, "xyz", None, "There are: cards, charges, "),
        (Source.STRIPE, "charges", None, "asked differently by api-errors, billing-dispute"),
        (Source.STRIPE, "charges", "biling-dispute", "did you mean 'billing-dispute'?"),
        (Source.CLICKHOUSE, "sql", None, "no query or operation of ClickHouse 'sql'"),
    ],
)
def test_an_unknown_query_is_told_with_those_that_there_are(
    source: Source, name: str, playbook: str | None, words: str, books: list[Playbook]
) -> None:
    with pytest.raises(UsageProblem) as slip:
        find_query(books, source, name, playbook, with_customer=True)
    assert words in str(slip.value)


def test_a_query_of_a_playbook_comes_before_an_operation(books: list[Playbook]) -> None:
    query, origin = find_query(books, Source.STRIPE, "charges", "billing-dispute", with_customer=True)
    assert (query.operation, origin.partition("@")[0]) == ("list_charges", "billing-dispute")
    query, origin = find_query(books, Source.STRIPE, "list_charges", None, with_customer=True)
    assert (query.scope, query.parameters) == (Scope.CUSTOMER, {"billing_id": "$customer.billing_id"})
    assert origin == "an operation by hand"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "needs --param terms=…"),
        (["terms"], "write NAME=VALUE"),
        (["trems=x"], "did you mean 'terms'?"),
        (["terms=$anchors.nothing"], "$anchors has no 'nothing'"),
    ],
)
def test_a_wrong_parameter_is_told(given: list[str], words: str) -> None:
    with pytest.raises(UsageProblem) as slip:
        with_parameters(a_query(), given)
    assert words in str(slip.value)


async def test_a_source_that_is_away_is_failed_evidence_and_no_traceback(installation: Installation) -> None:
    installation.tenant["connectors"]["linear"]["url"] = f"http://127.0.0.1:{free_port()}/graphql"
    said = await installation.whydesk("ask", "linear", "search_issues", "--param", "terms=limit", "--json")
    assert said.code == 1
    evidence = told(said)["evidence"]
    assert evidence["status"] == "failed"
    assert evidence["reason"].endswith("an investigation would ask again")


async def test_a_key_that_is_refused_is_denied_evidence(installation: Installation) -> None:
    installation.set("LINEAR_KEY", "lin_api_wrongwrongwrong")
    said = await installation.whydesk("ask", "linear", "search_issues", "--param", "terms=limit", "--json")
    assert (said.code, told(said)["evidence"]["status"]) == (1, "denied")
    assert "wrongwrong" not in said.out


async def test_an_overloaded_source_is_told(installation: Installation) -> None:
    installation.sandbox.faults.add(Fault(vendor="linear", kind="status", status=503))
    try:
        said = await installation.whydesk("ask", "linear", "search_issues", "--param", "terms=limit")
    finally:
        installation.sandbox.faults.clear("linear")
    assert said.code == 1
    assert "status" in said.out
    assert "failed" in said.out
    assert "Traceback" not in said.out + said.err


async def test_a_table_that_is_not_mapped_is_skipped(installation: Installation) -> None:
    del installation.tenant["tables"]["webhook_attempts"]
    said = await installation.whydesk("ask", "clickhouse", "volume", "--customer", CUSTOMER, "--json")
    assert (said.code, told(said)["evidence"]["status"]) == (1, "skipped")


def test_without_tenants_there_is_nothing_to_ask(whydesk: Shell, tmp_path: Path) -> None:
    said = whydesk("ask", "stripe", "cards")
    assert (said.code, said.out) == (2, "")
    assert "--tenant" in said.err


def a_query(**changes: object) -> Query:
    whole = {"id": "q", "source": Source.DOCS, "title": "q", "scope": Scope.SHARED, "operation": "search"}
    return Query.model_validate(whole | changes)


def test_a_value_is_read_as_its_parameter_wants_it() -> None:
    query = with_parameters(a_query(), ["terms=429", "limit=5"])
    assert query.parameters == {"terms": ["429"], "limit": 5}


def test_the_window_counts_from_its_end() -> None:
    query, at = over_window(a_query(), "2d", "2026-03-01T00:00", NOW)
    assert at["symptom_at"] == datetime(2026, 3, 1, tzinfo=UTC)
    assert query.window.before == at["symptom_at"] - (NOW - timedelta(days=2))
    with pytest.raises(UsageProblem, match="write a time"):
        over_window(a_query(), "yesterday", None, NOW)
    with pytest.raises(UsageProblem, match="not before"):
        over_window(a_query(), "2026-03-01", "2026-03-01", NOW)
    same, at = over_window(a_query(), None, None, NOW)
    assert (same.window, at["reported_at"]) == (a_query().window, NOW)
