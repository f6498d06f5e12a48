"""What a ticket itself says of its customer, and what a lookup's rows mean."""

import pytest

from models.base import Row
from models.tables import TableMapping
from models.ticket import Organization, Person, TicketRef
from reasoning.identity import (
    account_by_domain_sql,
    account_sql,
    company_domain,
    named_by_organization,
    named_customer,
    only_match,
    regions_sql,
)
from reasoning.sql import CUSTOMER_PARAMETER, SqlRefused
from tests.fakes import ticket_of

REF = TicketRef(tenant="acme", helpdesk="desk", ticket="4711")


@pytest.mark.parametrize(
    ("fields", "field", "named"),
    [
        ({"Account": "org_31"}, "Account", "org_31"),
        ({"Account": "  org_31\n"}, "Account", "org_31"),
        ({"Account": "  "}, "Account", ""),
        ({"Other": "org_31"}, "Account", ""),
        ({"": "org_31"}, "", ""),
    ],
)
def test_the_customer_that_a_field_names(fields: dict[str, str], field: str, named: str) -> None:
    assert named_customer(ticket_of(REF, fields=fields), field) == named


def test_the_customer_that_an_organization_names() -> None:
    assert named_by_organization(ticket_of(REF)) == "org_31"
    assert named_by_organization(ticket_of(REF, organization=None)) == ""
    assert named_by_organization(ticket_of(REF, organization=Organization(id="31", name="org_32"))) == ""


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ada@quill.example", "quill.example"),
        ("ada@Quill.Example ", "quill.example"),
        ("ada@gmail.com", ""),
        ("ada@GoogleMail.com", ""),
        ("", ""),
        ('"a@b"@quill.example', "quill.example"),
    ],
)
def test_the_domain_that_may_stand_for_a_company(address: str, domain: str) -> None:
    assert company_domain(ticket_of(REF, requester=Person(id="1", email=address))) == domain


@pytest.mark.parametrize(
    ("rows", "value", "problem"),
    [
        ((), "", "no match"),
        (({"id": "a"},), "a", ""),
        (({"id": "a"}, {"id": "a"}), "a", ""),
        (({"id": "a"}, {"id": "b"}), "", "2 customers match"),
        (({"id": ""}, {"id": None}, {"other": "x"}), "", "no match"),
        (({"id": 31},), "31", ""),
    ],
)
def test_one_match_or_none(rows: tuple[Row, ...], value: str, problem: str) -> None:
    assert only_match(rows, "id") == (value, problem)


def test_the_account_is_bound_to_its_customer_column() -> None:
    tables = {"accounts": TableMapping(table="crm.people", columns={"customer": "account", "domain": "mail_domain"})}
    one, by_domain = account_sql(tables), account_by_domain_sql(tables)
    for column, sql in (("account", one), ("mail_domain", by_domain)):
        assert '"crm"."people"' in sql
        assert f'."{column}") = {{{CUSTOMER_PARAMETER}: String}}' in sql
    assert "mail_domain" not in one


def test_regions_are_listed_for_five_customers_at_least_and_with_nobody() -> None:
    tables = {"accounts": TableMapping(table="crm.people", columns={"customer": "account", "region": "home"})}
    sql = regions_sql(tables)
    assert "HAVING uniqExact(nullIf(toString(__whydesk_customer), '')) >= 5" in sql
    assert sql.startswith("SELECT region FROM")


def test_without_a_mapping_nothing_is_asked() -> None:
    with pytest.raises(SqlRefused):
        account_sql({})
