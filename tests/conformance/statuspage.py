"""One status page, as Statuspage's public API answers (the shapes of tests/connectors/test_statuspage.py)."""

from pydantic import JsonValue

from connectors.base import Connector
from connectors.statuspage import StatusPageConnector
from models.tenant import StatusPageConfig
from models.vocabulary import Source
from tests.conformance.frame import MISSING, Case, Condition, Drift, Place, Subject
from tests.connectors.far_end import Handler, Reply
from tests.connectors.test_statuspage import DONE, OPEN, PARTS, WINDOW, WORK

ONE_DOCUMENT = {
    Condition.NEXT_PAGE: "the public API has no pages: it lists what is recent, and the connector tells how far that reaches",
    Condition.HALFWAY: "one page takes one request; another page's failure is in tests/connectors/test_statuspage.py",
}


def connect(place: Place) -> Connector:
    return StatusPageConnector(
        StatusPageConfig.model_validate({"pages": [{"name": "own", "url": place.url, "allow_private": True}]})
    )


def listed(name: str, *items: JsonValue) -> Handler:
    return lambda _: Reply({"page": {"id": "x", "name": "Own"}, name: list(items)})


SUBJECT = Subject(
    source=Source.STATUSPAGE,
    connect=connect,
    cases=[
        Case(
            "list_incidents",
            window=None,
            ok=listed("incidents", OPEN, DONE),
            rows=2,
            empty=listed("incidents"),
            drifts=[
                Drift(("incidents",), "none"),
                Drift(("incidents", 0), "API errors"),
                Drift(("incidents", 0, "id"), MISSING),
                Drift(("incidents", 1, "name"), 7),
                Drift(("incidents", 0, "created_at"), "yesterday"),
                Drift(("incidents", 0, "components"), "API"),
            ],
            not_applicable=ONE_DOCUMENT,
        ),
        Case(
            "list_components",
            ok=listed("components", *PARTS),
            rows=2,
            empty=listed("components"),
            drifts=[
                Drift(("components",), {}),
                Drift(("components", 1, "id"), 1),
                Drift(("components", 1, "status"), True),
                Drift(("components", 1, "updated_at"), "now"),
            ],
            not_applicable=ONE_DOCUMENT,
        ),
        Case(
            "list_maintenances",
            window=WINDOW,
            ok=listed("scheduled_maintenances", WORK),
            rows=1,
            empty=listed("scheduled_maintenances"),
            drifts=[
                Drift(("scheduled_maintenances",), "none"),
                Drift(("scheduled_maintenances", 0, "id"), None),
                Drift(("scheduled_maintenances", 0, "scheduled_for"), ["2026"]),
            ],
            not_applicable=ONE_DOCUMENT,
        ),
    ],
)
