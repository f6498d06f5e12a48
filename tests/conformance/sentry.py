"""Sentry, as its web API answers (the shapes of tests/connectors/sentry_far_end.py)."""

from pydantic import JsonValue

from connectors.base import Connector
from connectors.sentry import SentryConfig, SentryConnector
from models.vocabulary import Scope, Source
from tests.conformance.frame import MISSING, Case, Drift, Place, Subject
from tests.connectors.far_end import Handler, Reply, Seen
from tests.connectors.sentry_far_end import BASE, TOKEN, WINDOW, a_release, an_issue, linked, sentry


def connect(place: Place) -> Connector:
    given = {"url": place.url, "organization": "acme", "token": "env:SENTRY", "customer_tag": "customer_id"}
    return SentryConnector(SentryConfig.model_validate(given), TOKEN)


def two_pages(first: JsonValue, second: JsonValue) -> Handler:
    def handler(seen: Seen) -> Reply:
        if seen.path not in (f"{BASE}/issues/", f"{BASE}/releases/"):
            return sentry(seen)
        return linked(second) if seen.one("cursor") else linked(first, following="0:100:0")

    return handler


SUBJECT = Subject(
    source=Source.SENTRY,
    connect=connect,
    secrets=[TOKEN],
    refusal=lambda status, quoted: Reply({"detail": quoted}, status=status),
    cases=[
        Case(
            "search_issues",
            window=WINDOW,
            ok=sentry,
            rows=2,
            empty=lambda _: linked([]),
            next_page=two_pages([an_issue(1)], [an_issue(2), an_issue(3)]),
            rows_of_both=3,
            drifts=[
                Drift((0,), "API-1"),
                Drift((0, "shortId"), MISSING),
                Drift((0, "title"), 7),
                Drift((1, "count"), "many"),
                Drift((0, "userCount"), MISSING),
                Drift((0, "project"), "api"),
                Drift((0, "lifetime", "firstSeen"), "yesterday"),
                Drift((0, "filtered", "count"), None),
            ],
        ),
        Case(
            "search_issues",
            variant="customer",
            scope=Scope.CUSTOMER,
            customer="org_31",
            parameters={"terms": ["timeout"]},
            window=WINDOW,
            ok=sentry,
            rows=2,
            empty=lambda _: linked([]),
            next_page=two_pages([an_issue(1)], [an_issue(2), an_issue(3)]),
            rows_of_both=3,
            drifts=[Drift((0, "filtered"), MISSING), Drift((1, "filtered"), None)],
        ),
        Case(
            "list_releases",
            window=WINDOW,
            ok=sentry,
            rows=1,
            empty=lambda _: linked([]),
            next_page=two_pages([a_release("a")], [a_release("b")]),
            rows_of_both=2,
            drifts=[
                Drift((0, "version"), MISSING),
                Drift((0, "dateCreated"), None),
                Drift((0, "newGroups"), "two"),
                Drift((0, "lastDeploy", "dateFinished"), 12),
                Drift((0, "projects"), "api"),
            ],
        ),
    ],
)
