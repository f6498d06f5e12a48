"""Verdicts, severity, ranks, coverage and follow-ups, on a small playbook over four sources."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from models.base import Row
from models.customer import Anchors, Customer, Window
from models.diagnosis import Weighing
from models.evidence import CUSTOMER_LOOKUP, Evidence
from models.playbook import Playbook
from models.vocabulary import Confidence, EvidenceStatus, Severity, Source, Verdict
from reasoning.hypotheses import consequences, weigh

AT = datetime(2026, 3, 12, 14, tzinfo=UTC)
ANCHORS = Anchors(
    reported_at=AT,
    symptom_at=AT,
    window=Window(start=AT, end=AT),
    customer=Customer(id="c", resolved_by="helpdesk-field"),
)
SCOPES = {"clickhouse": "customer", "stripe": "customer"}


def query(name: str, source: str, **more: object) -> dict[str, object]:
    return {"id": name, "source": source, "title": f"the {name}", "scope": SCOPES.get(source, "shared"), **more}


def count(query_id: str) -> dict[str, object]:
    return {"fn": "count", "label": query_id, "unit": "count", "args": {"query": query_id}}


def hypothesis(name: str, supported: Sequence[str], **more: object) -> dict[str, object]:
    return {"id": name, "cause": "unknown", "title": name, "supported_when": supported, "next_step": "go", **more}


def playbook(*hypotheses: dict[str, object], **more: object) -> Playbook:
    return Playbook.model_validate(
        {
            "format": 1,
            "id": "small",
            "version": 1,
            "title": "Small",
            "owner": "support",
            "review_by": "2099-01-01",
            "applies_when": {"fallback": True},
            "needs": ["customer", "routes"],
            "queries": [
                query("logs", "clickhouse"),
                query("deploys", "github"),
                query("bugs", "linear"),
                query("pages", "statuspage"),
                query("charges", "stripe", follow_up=True, ask_when=["logs_n > 0", "pages_n == 0"]),
                query("more", "docs", follow_up=True),
            ],
            "facts": {f"{name}_n": count(name) for name in ("logs", "deploys", "bugs", "pages", "charges")},
            "hypotheses": hypotheses,
            "severity": [
                {"severity": "high", "when": ["logs_n >= 2"]},
                {"severity": "medium", "when": ["logs_n >= 1"]},
            ],
            "next_steps": {"go": "Go."},
            **more,
        }
    )


def evidence(**rows: int | EvidenceStatus) -> tuple[Evidence, ...]:
    sources = {
        "logs": "clickhouse",
        "deploys": "github",
        "bugs": "linear",
        "pages": "statuspage",
        "charges": "stripe",
        "ticket": "helpdesk",
    }
    found = []
    for number, (name, value) in enumerate(rows.items(), start=1):
        cells: tuple[Row, ...] = tuple({"n": n} for n in range(value)) if isinstance(value, int) else ()
        status = value if isinstance(value, EvidenceStatus) else EvidenceStatus.FOUND if value else EvidenceStatus.EMPTY
        found.append(
            Evidence(
                id=f"E{number}",
                query=name,
                source=Source(sources[name]),
                title=name,
                scope="shared",
                status=status,
                rows=cells,
                fetched_at=AT,
                reason="" if status.answered else f"{name} is away",
            )
        )
    return tuple(found)


def verdict_of(weighing: Weighing, name: str = "h") -> Verdict:
    verdict = weighing.verdict(name)
    assert verdict is not None
    return verdict.verdict


WHOLE: dict[str, int | EvidenceStatus] = {"logs": 2, "deploys": 1, "bugs": 0, "pages": 0}


@pytest.mark.parametrize(
    ("supported", "refuted", "requires", "verdict"),
    [
        (["logs_n > 0"], [], [], Verdict.SUPPORTED),
        (["logs_n > 0", "deploys_n > 0"], [], ["logs", "deploys"], Verdict.SUPPORTED),
        (["logs_n > 5"], [], [], Verdict.UNTESTED),
        (["logs_n > 0", "charges_n > 0"], [], [], Verdict.UNTESTED),
        (["logs_n > 0"], [], ["charges"], Verdict.UNTESTED),
        (["logs_n > 0"], ["bugs_n == 0"], [], Verdict.REFUTED),
        (["logs_n > 0"], ["charges_n == 0"], [], Verdict.SUPPORTED),
        (["charges_n > 0"], ["bugs_n == 0"], ["charges"], Verdict.REFUTED),
        ([], [], [], Verdict.UNTESTED),
    ],
)
def test_verdicts(supported: list[str], refuted: list[str], requires: list[str], verdict: Verdict) -> None:
    book = playbook(hypothesis("h", supported, refuted_when=refuted, requires=requires))
    assert verdict_of(weigh(book, ANCHORS, evidence(**WHOLE))) is verdict


@pytest.mark.parametrize("status", [status for status in EvidenceStatus if not status.answered])
def test_no_answer_neither_supports_nor_refutes(status: EvidenceStatus) -> None:
    book = playbook(hypothesis("h", ["deploys_n == 0"], refuted_when=["deploys_n > 0"], requires=["deploys"]))
    weighing = weigh(book, ANCHORS, evidence(**{**WHOLE, "deploys": status}))
    [verdict] = weighing.verdicts
    assert (verdict.verdict, verdict.open_checks, verdict.severity) == (Verdict.UNTESTED, ("deploys",), Severity.LOW)
    [gap] = weighing.not_checked
    assert (gap.query, gap.source, gap.title, gap.reason) == (
        "deploys",
        Source.GITHUB,
        "the deploys",
        "deploys is away",
    )
    assert (weighing.coverage, weighing.confidence) == (0.75, Confidence.MEDIUM)


def test_a_verdict_says_what_it_stands_on() -> None:
    [verdict] = weigh(playbook(hypothesis("h", ["logs_n > 0", "deploys_n > 0"])), ANCHORS, evidence(**WHOLE)).verdicts
    assert verdict.because == ("logs_n > 0", "deploys_n > 0")
    assert verdict.facts == ("logs_n", "deploys_n")
    assert verdict.evidence == ("E1", "E2")
    assert verdict.sources == (Source.CLICKHOUSE, Source.GITHUB)
    refuted = weigh(
        playbook(hypothesis("h", ["logs_n > 9"], refuted_when=["bugs_n == 0"])), ANCHORS, evidence(**WHOLE)
    ).verdicts[0]
    assert (refuted.because, refuted.sources, refuted.severity) == (("bugs_n == 0",), (Source.LINEAR,), Severity.LOW)


@pytest.mark.parametrize(
    ("supported", "more", "severity"),
    [
        (["logs_n > 0", "deploys_n > 0"], {}, Severity.HIGH),
        (["logs_n > 0"], {}, Severity.MEDIUM),
        (["logs_n > 0"], {"authoritative": "clickhouse"}, Severity.HIGH),
        (["logs_n > 0"], {"authoritative": "statuspage"}, Severity.MEDIUM),
        (["logs_n > 0", "logs_n > 1"], {}, Severity.MEDIUM),
    ],
)
def test_high_severity_needs_two_sources_or_the_authoritative_one(
    supported: list[str], more: dict[str, object], severity: Severity
) -> None:
    assert (
        weigh(playbook(hypothesis("h", supported, **more)), ANCHORS, evidence(**WHOLE)).verdicts[0].severity is severity
    )


def test_the_ticket_itself_is_no_second_source() -> None:
    book = playbook(hypothesis("h", ["logs_n > 0", "ticket_n > 0"]))
    book = book.model_copy(
        update={
            "facts": {**book.facts, "ticket_n": book.facts["logs_n"].model_copy(update={"args": {"query": "ticket"}})}
        }
    )
    verdict = weigh(book, ANCHORS, evidence(**WHOLE, ticket=1)).verdicts[0]
    assert (verdict.verdict, verdict.sources, verdict.severity) == (
        Verdict.SUPPORTED,
        (Source.CLICKHOUSE,),
        Severity.MEDIUM,
    )


def test_without_a_rule_that_holds_severity_is_low() -> None:
    assert (
        weigh(playbook(hypothesis("h", ["deploys_n > 0"]), severity=[]), ANCHORS, evidence(**WHOLE))
        .verdicts[0]
        .severity
        is Severity.LOW
    )


def test_ranks_put_causes_before_consequences_then_weight_then_evidence() -> None:
    book = playbook(
        hypothesis("report", ["logs_n > 0"], weight=90),
        hypothesis("thin", ["logs_n > 0"], weight=10),
        hypothesis("broad", ["logs_n > 0", "deploys_n > 0"], weight=10),
        hypothesis("cause", ["deploys_n > 0"], weight=50, explains=["report"]),
        hypothesis("not", ["bugs_n > 0"], weight=99),
    )
    weighing = weigh(book, ANCHORS, evidence(**WHOLE))
    assert {item.id: item.rank for item in weighing.verdicts} == {
        "cause": 1,
        "broad": 2,
        "thin": 3,
        "report": 4,
        "not": 0,
    }
    assert [item.id for item in weighing.verdicts] == ["report", "thin", "broad", "cause", "not"]
    assert {item.id: item.rank_reason for item in weighing.verdicts} == {
        "cause": "explains report; one system shows it; weight 50",
        "broad": "2 systems agree; weight 10",
        "thin": "one system shows it; weight 10",
        "report": "a consequence of cause; one system shows it; weight 90",
        "not": "",
    }


def test_rank_of_a_consequence_of_a_consequence_names_what_is_behind_it() -> None:
    book = playbook(
        hypothesis("a", ["logs_n > 0"], explains=["b"]),
        hypothesis("b", ["logs_n > 5"], explains=["c"]),
        hypothesis("c", ["logs_n > 0"]),
        hypothesis("told", ["words"], weight=-1),
        facts={
            "logs_n": count("logs"),
            "words": {
                "fn": "ticket_names",
                "label": "",
                "unit": "bool",
                "args": {"anchor": "$anchors.symptoms", "terms": ["slow"]},
            },
            "charges_n": count("charges"),
            "pages_n": count("pages"),
        },
    )
    weighing = weigh(book, ANCHORS.model_copy(update={"symptoms": ("slow",)}), evidence(**WHOLE))
    assert [item.rank_reason for item in weighing.verdicts] == [
        "explains c; one system shows it; weight 0",
        "",
        "a consequence of a; one system shows it; weight 0",
        "by the ticket alone; weight -1",
    ]


def test_consequences_of_consequences_and_circles() -> None:
    book = playbook(
        hypothesis("a", ["logs_n > 0"], explains=["b"]),
        hypothesis("b", ["logs_n > 0"], explains=["c"]),
        hypothesis("c", ["logs_n > 0"]),
        hypothesis("x", ["logs_n > 0"], explains=["y"]),
        hypothesis("y", ["logs_n > 0"], explains=["x"]),
    )
    assert consequences(book, ["a", "c"]) == {"c"}
    assert consequences(book, ["c"]) == frozenset()
    assert consequences(book, ["x", "y"]) == {"x", "y"}


def test_follow_ups_are_asked_by_rule_and_once() -> None:
    book = playbook(hypothesis("h", ["logs_n > 0"]))
    assert weigh(book, ANCHORS, evidence(**WHOLE)).follow_ups == ("charges",)
    assert weigh(book, ANCHORS, evidence(**{**WHOLE, "pages": 1})).follow_ups == ()
    assert weigh(book, ANCHORS, evidence(**{**WHOLE, "pages": EvidenceStatus.FAILED})).follow_ups == ()
    asked = weigh(book, ANCHORS, evidence(**WHOLE, charges=EvidenceStatus.DENIED))
    assert asked.follow_ups == ()
    assert [gap.query for gap in asked.not_checked] == ["charges"]
    assert asked.coverage == 0.8


def test_missing_anchors_and_unasked_queries_are_named() -> None:
    weighing = weigh(
        playbook(hypothesis("h", ["logs_n > 0"])), ANCHORS.model_copy(update={"customer": None}), evidence(logs=1)
    )
    assert weighing.missing == ("customer", "routes")
    assert [(gap.query, gap.reason) for gap in weighing.not_checked] == [
        (name, "not asked") for name in ("deploys", "bugs", "pages")
    ]
    assert weighing.confidence is Confidence.LOW
    assert weigh(playbook(), ANCHORS.model_copy(update={"routes": ("/v1/a",)}), ()).missing == ()


def test_a_weighing_reads_back_the_same() -> None:
    weighing = weigh(playbook(hypothesis("h", ["logs_n > 0"])), ANCHORS, evidence(**WHOLE))
    assert Weighing.model_validate_json(weighing.model_dump_json()) == weighing


@pytest.mark.parametrize("status", [EvidenceStatus.FAILED, EvidenceStatus.DENIED, EvidenceStatus.TIMED_OUT])
def test_a_source_that_could_not_say_who_the_customer_is_was_not_checked(status: EvidenceStatus) -> None:
    """They were found another way, which may be a weaker one; nobody must think that this one agreed."""
    every = evidence(logs=0, deploys=0, bugs=0, pages=0)
    lookup = every[0].model_copy(update={"query": CUSTOMER_LOOKUP, "source": Source.STRIPE, "scope": "shared"})
    lost = lookup.model_copy(update={"id": "E8", "status": status, "reason": "Stripe did not answer"})
    weighing = weigh(playbook(hypothesis("h", ["logs_n > 0"])), ANCHORS, [*every, lost, lost])
    [gap] = weighing.not_checked
    assert (gap.source, gap.title, gap.reason) == (Source.STRIPE, "who the customer is", "Stripe did not answer")
    assert weighing.coverage == 1.0, "it is none of the playbook's checks"
    for answered in (EvidenceStatus.FOUND, EvidenceStatus.EMPTY, EvidenceStatus.SKIPPED):
        fine = lookup.model_copy(update={"status": answered})
        assert not weigh(playbook(hypothesis("h", ["logs_n > 0"])), ANCHORS, [*every, fine]).not_checked
