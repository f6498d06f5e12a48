"""The judge sees what is wrong: each of these tickets has one thing that may not be."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskStartedEventAttributes
from temporalio.client import WorkflowHistory

from ledger.records import AnswerRecord, EvidenceRecord, RunRecord, RunSummary
from models.evidence import EvidenceRef
from models.run import Drafted, RevisionResult, RunKey
from models.ticket import TicketRef
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Severity, Source
from tests.faults.frame import PLACES, Cell, Fault, Place
from tests.faults.judge import Seen, Told, judge
from tests.faults.stage import Side
from tests.faults.stops import Noted
from workflows.naming import investigation_id, note_marker

NOW = datetime(2026, 3, 2, tzinfo=UTC)
REF = TicketRef(tenant="demo", helpdesk="zendesk", ticket="4711")
INVESTIGATION = investigation_id(REF)
RIGHT = Told(Outcome.DIAGNOSED, "quota_exhausted", "low")
NOTE = f"<p>{note_marker(INVESTIGATION, 1)}</p>"
VICTIM, OTHER = 100, 200


def place(label: str) -> Place:
    [found] = [one for one in PLACES if one.label == label]
    return found


def cell(fault: Fault = Fault.KILL, label: str = "weigh") -> Cell:
    return Cell(fault, place(label), Side.RULES, "quota-used-up")


def revision(number: int = 1, outcome: Outcome = Outcome.DIAGNOSED, usd: float = 0.0) -> RevisionResult:
    return RevisionResult(
        investigation=INVESTIGATION,
        revision=number,
        outcome=outcome,
        cause=CauseClass.QUOTA_EXHAUSTED,
        severity=Severity.LOW,
        confidence=Confidence.HIGH,
        playbook="api-errors@1",
        note_status="posted",
        kept=1,
        dropped=0,
        gaps=(),
        usd=usd,
    )


def record(status: EvidenceStatus = EvidenceStatus.FOUND, usd: Sequence[float] = ()) -> RunRecord:
    ref = EvidenceRef(id="E1", query="errors", source=Source.LINEAR, status=status, digest="d")
    answers = [
        AnswerRecord(
            round=number,
            purpose="diagnose",
            sample=0,
            request="r",
            drafted=Drafted(draft="d", reasoner="m", usd=each),
            draft=None,
            answered_at=NOW,
        )
        for number, each in enumerate(usd)
    ]
    key = RunKey(ref=REF, investigation=INVESTIGATION, revision=1)
    summary = RunSummary.model_validate(
        {
            **dict.fromkeys(RunSummary.model_fields),
            **dict.fromkeys(("playbook", "reasoner", "note_status", "problem", "diagnosis", "customer"), ""),
            "key": key,
            "opened_at": NOW,
            "usd": 0.0,
            "gaps": (),
            "feedback": (),
        }
    )
    return RunRecord(
        summary=summary,
        delivery=None,
        steps=(),
        evidence=(EvidenceRecord(ref=ref, look=0, fetched_at=NOW, body=None),),
        answers=tuple(answers),
        diagnosis=None,
        note=None,
    )


def history(*processes: int) -> WorkflowHistory:
    events = [
        HistoryEvent(workflow_task_started_event_attributes=WorkflowTaskStartedEventAttributes(identity=f"{one}@host"))
        for one in processes
    ]
    return WorkflowHistory("demo/zendesk/4711", events)


def seen(
    *,
    revisions: Sequence[RevisionResult] = (revision(),),
    told: RunRecord | None = None,
    notes: Sequence[str] = (NOTE,),
    by: Sequence[int] = (VICTIM, OTHER),
) -> Seen:
    return Seen(REF, revisions, [told or record()], notes, [history(*by)])


def asked(times: int, arrived: int) -> list[Noted]:
    call = "diagnose:model.answer"
    one = [Noted(VICTIM, "demo/zendesk/4711", call, "before")] * times
    return one + [Noted(VICTIM, "demo/zendesk/4711", call, "after")] * arrived


def test_what_is_right_has_no_problem() -> None:
    assert list(judge(cell(), seen(), RIGHT, [], VICTIM)) == []
    told = seen(revisions=[revision(usd=0.5)], told=record(usd=[0.25, 0.25]))
    assert list(judge(cell(), told, RIGHT, asked(2, 2), VICTIM)) == []


@pytest.mark.parametrize(
    ("wrong", "noted", "problem"),
    [
        (seen(notes=[NOTE, NOTE]), [], "2 notes on the ticket where 1 were posted"),
        (seen(notes=[]), [], "0 notes of revision 1"),
        (seen(notes=[f"{NOTE[:-4]}2</p>"]), [], "0 notes of revision 1"),
        (seen(revisions=[revision(), revision(2)], notes=[NOTE, "…"]), [], "2 revisions of one delivery"),
        (seen(revisions=[revision(outcome=Outcome.INCONCLUSIVE)]), [], "instead of"),
        (seen(by=[VICTIM]), [], "only the killed worker"),
        (seen(by=[OTHER]), [], "did no part"),
        (seen(), asked(2, 2), "2 answers of the model arrived, 0 are booked"),
        (seen(told=record(usd=[0.25])), asked(2, 2), "2 answers of the model arrived, 1 are booked"),
        (seen(told=record(usd=[0.25])), asked(1, 1), "tells 0.000000 US dollars where 0.250000 are booked"),
    ],
)
def test_what_is_wrong_is_said(wrong: Seen, noted: list[Noted], problem: str) -> None:
    said = list(judge(cell(), wrong, RIGHT, noted, VICTIM))
    assert any(problem in one for one in said), said


@pytest.mark.parametrize(
    ("fault", "status", "honest"),
    [
        (Fault.BROKEN, EvidenceStatus.FAILED, True),
        (Fault.BROKEN, EvidenceStatus.EMPTY, False),
        (Fault.BROKEN, EvidenceStatus.FOUND, False),
        (Fault.BLANK, EvidenceStatus.EMPTY, False),
        (Fault.NO_KEY, EvidenceStatus.DENIED, True),
        (Fault.NO_KEY, EvidenceStatus.FAILED, False),
        (Fault.TIMEOUT, EvidenceStatus.TIMED_OUT, True),
        (Fault.TIMEOUT, EvidenceStatus.FAILED, False),
        (Fault.SECONDS, EvidenceStatus.FOUND, True),
        (Fault.SECONDS, EvidenceStatus.FAILED, False),
        (Fault.BROKEN, EvidenceStatus.SKIPPED, False),
    ],
)
def test_a_failure_may_not_look_like_an_answer(fault: Fault, status: EvidenceStatus, honest: bool) -> None:
    said = list(judge(cell(fault, "fetch · linear"), seen(told=record(status)), RIGHT, [], None))
    assert (said == []) is honest, said


def test_a_call_that_was_broken_off_by_sigterm_is_noticed() -> None:
    told = seen(revisions=[revision(usd=0.25)], told=record(usd=[0.25]))
    [said] = judge(cell(Fault.TERM), told, RIGHT, asked(2, 1), None)
    assert "broken off" in said
