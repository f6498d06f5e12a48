"""From a requester to a customer: what a ticket itself offers, and what a lookup's rows mean."""

from collections.abc import Mapping, Sequence

from models.base import Row
from models.tables import TableMapping
from models.ticket import Ticket
from models.vocabulary import Scope
from reasoning.sql import check_query, scope_query

_ACCOUNT = check_query("SELECT name, plan, region FROM accounts", Scope.CUSTOMER)
_REGIONS = check_query("SELECT region FROM accounts GROUP BY region ORDER BY region", Scope.FLEET)
_ACCOUNT_BY_DOMAIN = check_query("SELECT name AS account FROM accounts", Scope.CUSTOMER)

MOST_REGIONS = 100
"""Names of regions that are read of a company."""
_PUBLIC = """
126.com 163.com aol.com duck.com fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de
gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr icloud.com inbox.com
libero.it live.com mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com orange.fr outlook.com
outlook.de pm.me posteo.de proton.me protonmail.com qq.com rediffmail.com sina.com t-online.de
tutanota.com web.de yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yahoo.fr yandex.com yandex.ru ymail.com
zoho.com
"""
PUBLIC_MAIL_DOMAINS = frozenset(_PUBLIC.split())
"""Domains that many strangers share: never a sign of one company."""


def named_customer(ticket: Ticket, field: str) -> str:
    """Return the customer id that the configured ticket field holds, else an empty string."""
    return ticket.fields.get(field, "").strip() if field else ""


def named_by_organization(ticket: Ticket) -> str:
    """Return the customer id that the team keeps on the helpdesk's organisation, else an empty string."""
    return ticket.organization.external_id.strip() if ticket.organization else ""


def company_domain(ticket: Ticket) -> str:
    """Return the requester's e-mail domain where it can stand for a company, else an empty string."""
    domain = ticket.requester.email.rpartition("@")[2].strip().lower()
    return "" if domain in PUBLIC_MAIL_DOMAINS else domain


def only_match(rows: Sequence[Row], column: str) -> tuple[str, str]:
    """Return the one distinct value of a column, and why there is none.

    Returns:
        `(value, "")`, or `("", problem)` for no match or several: several are never guessed between.
    """
    values = sorted({str(row[column]) for row in rows if row.get(column)})
    if len(values) == 1:
        return values[0], ""
    return "", f"{len(values)} customers match" if values else "no match"


def account_sql(tables: Mapping[str, TableMapping]) -> str:
    """Write the SQL for one customer's account: columns name, plan, region.

    Raises:
        SqlRefused: the mapping of `accounts` is missing or not allowed.
    """
    return scope_query(_ACCOUNT, tables, Scope.CUSTOMER, 2)


def regions_sql(tables: Mapping[str, TableMapping]) -> str:
    """Write the SQL for the names of the regions that at least five customers live in: the column `region`, nothing of anyone.

    Raises:
        SqlRefused: the mapping of `accounts` is missing or not allowed.
    """
    return scope_query(_REGIONS, tables, Scope.FLEET, MOST_REGIONS)


def account_by_domain_sql(tables: Mapping[str, TableMapping]) -> str:
    """Write the SQL that finds customers by a mail domain, bound as if it were the customer: the column `account` is the id.

    The guard knows only queries scoped to one customer; here the domain stands in the customer's place.

    Raises:
        SqlRefused: the mapping of `accounts` is missing or not allowed.
    """
    accounts = tables["accounts"]
    turned = TableMapping(
        table=accounts.table,
        columns={
            "customer": accounts.columns.get("domain", "domain"),
            "name": accounts.columns.get("customer", "customer"),
        },
    )
    return scope_query(_ACCOUNT_BY_DOMAIN, {"accounts": turned}, Scope.CUSTOMER, 5)
