"""The SQL of `latency` and `general` on the real engine: what counts as slow, what does not, and that others are others."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from models.tables import LOGICAL_TABLES, TableMapping
from models.ticket import Message, Person, Role, Ticket, TicketRef
from models.vocabulary import Scope, Source
from playbooks.library import Library
from playbooks.lock import SHIPPED
from reasoning.anchors import find_anchors
from reasoning.select import select_playbook
from reasoning.sql import check_query, scope_query

_BOUND = {
    "start": "2026-03-10 14:00:00", "end": "2026-03-12 14:00:00", "symptom": "2026-03-12 12:00:00",
    "reported": "2026-03-12 13:50:00", "step": "600", "begun": "2026-03-12 12:00:00", "until": "2026-03-12 18:00:00",
    "route": "/v1/render", "region": "eu", "limit": "800",
}  # fmt: skip
_LOAD_START = "2026-03-04 14:00:00"
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
_REQUEST = "toDateTime64('{start}', 3, 'UTC') + toIntervalSecond(number * {step}), {customer}, 'r', 'POST', '{route}', "


def _requests(start: str, count: int, customers: str, route: str, region: str, ms: float, version: str) -> str:
    """One request of each customer to a route every ten minutes."""
    head = _REQUEST.format(start=start, step=600, customer="customer", route=route)
    return (
        f"INSERT INTO default.t_requests SELECT {head} 200, '', {ms}, '{region}', '{version}', 'pk_1', 300 "
        f"FROM numbers({count}) AS n CROSS JOIN (SELECT arrayJoin({customers}) AS customer) AS k"
    )


def _world() -> list[str]:
    """Renders take four times as long in `eu` since noon, for everyone; items three times, from 20 to 60 ms, everywhere."""
    made = []
    for name, columns in LOGICAL_TABLES.items():
        shape = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        made.append(f"CREATE TABLE default.t_{name} ({shape}) ENGINE = MergeTree ORDER BY tuple()")
    eu, us = "['c1', 'c2', 'c3', 'c4', 'c5', 'c6']", "['d1', 'd2', 'd3', 'd4', 'd5', 'd6']"
    before, noon = "2026-03-10 14:00:00", "2026-03-12 12:00:00"
    for customers, region, slow in ((eu, "eu", 1600), (us, "us", 400)):
        made.append(_requests(before, 276, customers, "/v1/render", region, 400, "7.3"))
        made.append(_requests(before, 276, customers, "/v1/items", region, 20, "7.3"))
        made.append(_requests(noon, 12, customers, "/v1/render", region, slow, "7.4" if region == "eu" else "7.3"))
        made.append(_requests(noon, 12, customers, "/v1/items", region, 60, "7.3"))
    # Refused in two milliseconds, and one that never ended.
    refused = _REQUEST.format(start=noon, step=1, customer="'c1'", route="/v1/render")
    made.append(
        f"INSERT INTO default.t_requests SELECT {refused} 429, 'rate_limited', 2, 'eu', '7.4', 'pk_1', 300 FROM numbers(400)"
    )
    ended = _REQUEST.format(start=noon, step=1, customer="'c1'", route="/v1/render")
    made.append(
        f"INSERT INTO default.t_requests SELECT {ended} 504, 'timeout', 30000, 'eu', '7.4', 'pk_2', 300 FROM numbers(1)"
    )
    usage = (
        "INSERT INTO default.t_usage SELECT toDateTime64('{}', 3, 'UTC') + toIntervalHour(number), 'c1', 'pages', "
        "'/v1/render', {} FROM numbers({})"
    )
    made += [usage.format(before, 12, 46), usage.format(noon, 216, 2)]
    made.append(f"INSERT INTO default.t_accounts VALUES ('c1', 'n', 'd', 'p', 'eu', 300, 1000, '{before}')")
    return made


@pytest.fixture(scope="module")
def answers() -> dict[str, list[dict[str, Any]]]:
    queries = {}
    for loaded in Library.load([SHIPPED]).newest():
        if loaded.playbook.id not in ("latency", "general"):
            continue
        for query in loaded.playbook.queries:
            if query.source is not Source.CLICKHOUSE:
                continue
            checked = check_query(query.sql, query.scope)
            bound = {name: _BOUND[name] for name in checked.parameters}
            if query.id == "load":
                bound["start"] = _LOAD_START
            if query.scope is Scope.CUSTOMER:
                bound["whydesk_customer"] = "c1"
            tables = {name: TableMapping(table=f"default.t_{name}") for name in LOGICAL_TABLES}
            sql = scope_query(checked, tables, query.scope, query.rows)
            queries[f"{loaded.playbook.id}.{query.id}"] = (sql, bound)
    job = json.dumps({"setup": _world(), "queries": queries})
    done = subprocess.run([sys.executable, "-c", _ENGINE], input=job, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_slow_is_twice_the_usual_of_the_own_route_and_fifty_milliseconds_more(answers: dict[str, Any]) -> None:
    render, items = answers["latency.routes"]
    assert (render["route"], render["usual_ms"], render["limit_ms"]) == ("/v1/render", 400, 800)
    counts = {name: int(render[name]) for name in ("requests_before", "slow_before", "requests", "slow", "timeouts")}
    # What was refused is no request that was answered; what timed out is a slow one.
    assert counts == {"requests_before": 276, "slow_before": 0, "requests": 13, "slow": 13, "timeouts": 1}
    assert (render["p95_before"], render["p50"], render["excess"]) == (400, 1600, 13)
    assert (items["route"], items["p50_before"], items["p50"]) == ("/v1/items", 20, 60)
    assert (int(items["slow"]), items["limit_ms"]) == (0, 70)
    assert [(int(row["requests"]), int(row["slow"])) for row in answers["general.pace"]] == [(25, 13)]


def test_the_series_is_of_the_route_that_got_slower_alone(answers: dict[str, Any]) -> None:
    series = answers["latency.minutes"]
    assert sum(int(row["requests"]) for row in series) == 276 + 13
    slow = [row for row in series if int(row["slow"])]
    assert (len(slow), slow[0]["bucket"][:16]) == (12, "2026-03-12 12:00")
    assert (slow[1]["p50"], series[0]["p99"]) == (1600, 400)


def test_load_is_compared_with_the_same_hours_and_refusals_are_counted(answers: dict[str, Any]) -> None:
    [load] = answers["latency.load"]
    assert (int(load["requests"]), int(load["a_day_before"]), int(load["a_week_before"])) == (425, 24, 0)
    assert (int(load["limited"]), int(load["server_errors"]), load["plan_limit"]) == (400, 1, 300)
    assert (load["growth"], load["arrived"]) == (pytest.approx(425 / 24), pytest.approx(425 / 24))


def test_hours_that_the_log_no_longer_has_are_not_quiet_ones(answers: dict[str, Any]) -> None:
    # The log begins on the 10th at 14:00: of the same hours of the 5th it has none, and so there is no week to compare with.
    assert [int(answers["latency.load"][0][name]) for name in ("usual_least", "usual_most", "bar")] == [24, 24, 3]


def test_where_and_what_size(answers: dict[str, Any]) -> None:
    [quantiles] = answers["latency.quantiles"]
    assert (quantiles["p50_before"], quantiles["p95_before"], quantiles["p50"]) == (400, 400, 1600)
    assert [(row["version"], int(row["requests_before"]), int(row["slow"])) for row in answers["latency.versions"]] == [
        ("7.3", 276, 0),
        ("7.4", 0, 13),
    ]
    assert {row["key_id"]: int(row["slow"]) for row in answers["latency.keys"]} == {"pk_1": 12, "pk_2": 1}
    [sizes] = answers["latency.sizes"]
    assert (sizes["size_before"], sizes["size"], sizes["growth"]) == (2, 36, 18)


def test_the_fleet_is_told_by_region_and_version(answers: dict[str, Any]) -> None:
    fleet = {row["region"]: row for row in answers["latency.fleet"]}
    assert {name: (int(row["customers"]), row["rise"]) for name, row in fleet.items()} == {"eu": (6, 1), "us": (6, 0)}
    assert (fleet["eu"]["p95_before"], fleet["us"]["p95"]) == (400, 400)
    assert int(fleet["eu"]["slow"]) == 6 * 12 + 1
    [version] = answers["latency.fleet_versions"]
    assert (version["version"], int(version["slow"])) == ("7.4", 6 * 12 + 1)


@pytest.mark.parametrize(
    ("subject", "text", "chosen"),
    [
        ("API very slow", "Requests that took half a second need three seconds now, and a few time out.", "latency"),
        ("Langsam", "Seit heute antwortet die API sehr langsam.", "latency"),
        ("p95 doubled", "Response times of our calls to your API went up after your release.", "latency"),
        ("help", "it does not work anymore", "general"),
        ("A question", "Could you call me back?", "general"),
        ("500s", "Our API requests fail with 500 and get slow before that.", "api-errors"),
        ("Webhooks", "Webhooks are delayed, they take ten minutes to arrive.", "webhook-delivery"),
    ],
)
def test_which_tickets_are_about_slowness(subject: str, text: str, chosen: str) -> None:
    now = datetime(2026, 3, 12, 15, tzinfo=UTC)
    message = Message(id="m1", role=Role.REQUESTER, public=True, text=text, created_at=now)
    ticket = Ticket(
        ref=TicketRef(tenant="acme", helpdesk="zendesk", ticket="1"), subject=subject, status="open",
        requester=Person(id="1"), messages=(message,), created_at=now, updated_at=now,
    )  # fmt: skip
    shipped = [loaded.playbook for loaded in Library.load([SHIPPED]).newest()]
    assert select_playbook(ticket, find_anchors(ticket, None, "", now), shipped)[0].id == chosen
