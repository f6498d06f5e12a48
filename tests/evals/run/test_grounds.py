"""The second look at sentences: what they quote is in the evidence, or is named."""

from datetime import UTC, datetime

import pytest

from evals.run.grounds import Grounds
from models.customer import Window
from models.diagnosis import Fact
from models.evidence import Evidence
from models.vocabulary import EvidenceStatus, Scope, Source

EVIDENCE = [
    Evidence(
        id="E3",
        query="errors",
        source=Source.CLICKHOUSE,
        title="errors",
        scope=Scope.CUSTOMER,
        customer="acct_brf_9031",
        status=EvidenceStatus.FOUND,
        rows=(
            {"route": "/v4/envelopes", "status": 429, "requests": 1240, "p95": 70.889, "at": "2026-11-21T22:12:41Z"},
            {"route": "/v4/stamps", "status": 200, "requests": 310, "p95": 12.5, "at": "2026-11-21T22:14:00Z"},
        ),
        window=Window(start=datetime(2026, 11, 20, tzinfo=UTC), end=datetime(2026, 11, 21, 23, tzinfo=UTC)),
        fetched_at=datetime(2026, 11, 21, 23, tzinfo=UTC),
    ),
    Evidence(
        id="E4",
        query="invoices",
        source=Source.STRIPE,
        title="invoices",
        scope=Scope.CUSTOMER,
        status=EvidenceStatus.FOUND,
        rows=({"number": "NEV-0042", "total": 123456, "currency": "usd", "sha": "4f2a9c81d3e07b55aa10cc0f"},),
        fetched_at=datetime(2026, 11, 21, 23, tzinfo=UTC),
    ),
]
FACTS = [
    Fact(id="share", label="share", value=0.037037037037037035, unit="percent"),
    Fact(id="all", label="all", value=0.9996, unit="percent"),
    Fact(id="since", label="since", value=3744, unit="minutes"),
    Fact(id="until", label="until", value=165.2, unit="minutes"),
]


@pytest.mark.parametrize(
    "sentence",
    [
        "1,240 requests to /v4/envelopes got 429 at 22:12 UTC (E3)",
        "They take 70.89 ms at p95, on 2026-11-21 22:14 UTC",
        "3.7% of the requests failed",
        "Invoice NEV-0042 is over $1,234.56",
        "Deployment 4f2a9c8 did it",
        "acct_brf_9031 is rate limited since 2026-11-20",
        "Requests went on for 2.6 days since",
        "It lasted 2 h 45 min",
        "over 99.9% of the errors are the rate limit's",
    ],
)
def test_what_is_there_is_found(sentence: str) -> None:
    grounds = Grounds(EVIDENCE, FACTS, ["acct_brf_9031"])
    assert grounds.strange(sentence) == ()
    assert grounds.quotes(sentence) > 0


@pytest.mark.parametrize(
    ("sentence", "strange"),
    [
        ("1,241 requests failed", "1,241"),
        ("They take 70.98 ms", "70.98"),
        ("3.8% of the requests failed", "3.8%"),
        ("Invoice NEV-0043 is wrong", "NEV-0043"),
        ("It is over $1,234.65", "$1,234.65"),
        ("It began at 22:21 UTC", "22:21"),
        ("Since 2026-10-21", "2026-10-21"),
        ("Deployment 4f2a9c9 did it", "4f2a9c9"),
        ("E9 shows it", "E9"),
        ("Requests went on for 2.7 days since", "2.7 days"),
        ("It lasted 3 h 45 min", "3 h 45 min"),
        ("acct_brf_9032 has it too", "acct_brf_9032"),
    ],
)
def test_what_is_not_there_is_named(sentence: str, strange: str) -> None:
    assert strange in Grounds(EVIDENCE, FACTS, ["acct_brf_9031"]).strange(sentence)


def test_a_sentence_that_quotes_nothing_can_be_neither() -> None:
    grounds = Grounds(EVIDENCE)
    assert grounds.quotes("Our database was down") == 0
    assert grounds.strange("Our database was down") == ()
