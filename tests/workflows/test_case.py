"""The small decisions over one revision, without Temporal."""

from datetime import UTC, datetime

from models.evidence import EvidenceRef
from models.run import Drafted, PlannedQuery, RunKey, Selection, Verified, Weighed
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Mode, Outcome, Severity, Source
from workflows.case import Case

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEY = RunKey(ref=TicketRef(tenant="acme", helpdesk="desk", ticket="4711"), investigation="inv-x", revision=2)
FIRST = PlannedQuery(id="errors", source=Source.CLICKHOUSE, title="errors")
SECOND = PlannedQuery(id="incidents", source=Source.STATUSPAGE, title="incidents")
LATER = PlannedQuery(id="bugs", source=Source.LINEAR, title="bugs", follow_up=True)
KEYS = PlannedQuery(id="keys", source=Source.CLICKHOUSE, title="keys", follow_up=True)
VERSIONS = PlannedQuery(id="versions", source=Source.CLICKHOUSE, title="versions", follow_up=True)
DIAGNOSED = Verified(
    diagnosis="d1",
    outcome=Outcome.DIAGNOSED,
    cause=CauseClass.OWN_INCIDENT,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    kept=3,
    dropped=1,
)


def a_case() -> Case:
    case = Case(KEY, Trigger(delivery="d", kind=TriggerKind.CREATED, received_at=NOW), NOW)
    case.selection = Selection(
        playbook="probe",
        version=1,
        digest="p",
        queries=(FIRST, SECOND, LATER),
        mode=Mode.NOTE,
        rounds=1,
        reasoners=("rules",),
    )
    return case


def evidence(number: int) -> EvidenceRef:
    return EvidenceRef(
        id=f"E{number}", query="customer", source=Source.STRIPE, status=EvidenceStatus.FOUND, digest=f"{number}"
    )


def test_evidence_is_numbered_after_what_there_is() -> None:
    case = a_case()
    case.evidence = (evidence(1), evidence(2))
    assert case.number([FIRST, SECOND]) == [(FIRST, "E3"), (SECOND, "E4")]


def after_the_first_round(*follow_ups: PlannedQuery, rounds: int = 1, most_queries: int = 40) -> Case:
    """A case whose first evidence was gathered, with these follow-ups to offer."""
    case = a_case()
    case.selection = case.selection.model_copy(
        update={"queries": (FIRST, SECOND, *follow_ups), "rounds": rounds, "most_queries": most_queries}
    )
    case.number([FIRST, SECOND])
    case.round = 1
    return case


def asks(case: Case, rule: tuple[str, ...] = (), model: tuple[str, ...] = ()) -> str:
    """Let rules and model ask; return what is said of the round, after it was gone through."""
    case.weighed = Weighed(weighing="w", evidence=(), follow_ups=rule)
    case.drafted = Drafted(draft="d", reasoner="model", follow_ups=model)
    more = case.follow_up()
    if more is None:
        return ""
    case.number(more.queries)
    case.round += 1
    return more.said


def test_a_follow_up_is_asked_once_and_only_if_the_playbook_offers_it() -> None:
    case = after_the_first_round(LATER, rounds=3)
    assert asks(case, rule=("bugs", "errors", "unheard-of")) == "round 1: bugs (rule)"
    assert asks(case, rule=("bugs",), model=("bugs", "errors", "unheard-of")) == ""
    assert case.offered == []


def test_rules_and_model_share_a_round_and_it_says_who_asked() -> None:
    case = after_the_first_round(LATER, KEYS, VERSIONS, rounds=2)
    assert asks(case, rule=("bugs",)) == "round 1: bugs (rule)"
    assert asks(case, rule=("bugs", "versions"), model=("keys", "versions")) == "round 2: versions (rule), keys (model)"


def test_no_more_rounds_are_gone_than_the_playbook_allows_whoever_asks() -> None:
    case = after_the_first_round(LATER, KEYS, VERSIONS, rounds=2)
    assert [query.id for query in case.offered] == ["bugs", "keys", "versions"]
    assert asks(case, model=("keys",)) == "round 1: keys (model)"
    assert asks(case, rule=("versions",)) == "round 2: versions (rule)"
    assert case.offered == []
    assert asks(case, rule=("bugs",), model=("bugs",)) == ""


def test_a_playbook_without_rounds_offers_nothing() -> None:
    case = after_the_first_round(LATER, rounds=0)
    assert case.offered == []
    assert asks(case, rule=("bugs",), model=("bugs",)) == ""


def test_the_most_queries_hold_and_the_rules_come_first() -> None:
    case = after_the_first_round(LATER, KEYS, VERSIONS, rounds=3, most_queries=3)
    assert asks(case, rule=("versions",), model=("bugs", "keys")) == "round 1: versions (rule)"
    assert case.offered == []
    assert asks(case, model=("bugs",)) == ""


def test_a_second_look_forgets_the_first_but_not_whose_it_is() -> None:
    case = a_case()
    case.evidence, case.round, case.diagnoses = (evidence(1),), 1, 1
    case.number([LATER])
    again = case.again()
    assert (again.key, again.trigger, again.started_at, again.look) == (KEY, case.trigger, NOW, 1)
    assert (again.evidence, again.round, again.asked) == ((), 0, set())
    assert again.undecided


def test_the_result_is_the_diagnosis() -> None:
    case = a_case()
    case.verified, case.outcome = DIAGNOSED, Outcome.DIAGNOSED
    case.weighed = Weighed(weighing="w", evidence=(), gaps=("linear",))
    result = case.result("posted")
    assert (result.investigation, result.revision, result.playbook) == ("inv-x", 2, "probe@1")
    assert (result.outcome, result.cause, result.severity) == (
        Outcome.DIAGNOSED,
        CauseClass.OWN_INCIDENT,
        Severity.HIGH,
    )
    assert (result.kept, result.dropped, result.gaps) == (3, 1, ("linear",))
    assert result.note_status == "posted"


def test_a_failure_after_a_diagnosis_does_not_claim_its_cause() -> None:
    case = a_case()
    case.verified, case.outcome = DIAGNOSED, Outcome.DIAGNOSED
    case.fail("publish_note: HelpdeskDenied")
    result = case.result("failed")
    assert (result.outcome, result.cause, result.severity) == (Outcome.FAILED, CauseClass.UNKNOWN, Severity.LOW)
    assert (result.kept, case.problem) == (0, "publish_note: HelpdeskDenied")


def test_a_case_without_an_outcome_counts_as_failed() -> None:
    case = a_case()
    assert case.undecided
    assert case.result("").outcome is Outcome.FAILED


def test_nothing_is_said_of_a_playbook_before_one_is_chosen() -> None:
    case = Case(KEY, Trigger(delivery="d", kind=TriggerKind.CREATED, received_at=NOW), NOW)
    assert case.playbook_label == ""
    assert case.offered == []
    case.end(Outcome.NOTHING_NEW, "nothing-new")
    assert (case.result("silent").outcome, case.result("silent").playbook) == (Outcome.NOTHING_NEW, "")


def test_a_trigger_that_posts_nothing_only_lowers_the_mode() -> None:
    silent = a_case()
    silent.trigger = silent.trigger.model_copy(update={"post": False})
    assert [silent.allowed(mode) for mode in Mode] == [Mode.OFF, Mode.SHADOW, Mode.SHADOW]
    assert [a_case().allowed(mode) for mode in Mode] == list(Mode)
    assert (a_case().looks_again, silent.looks_again) == (True, False)
