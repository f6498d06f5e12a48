"""All that a playbook refers to is there: queries, columns, functions, facts, conditions, steps, places in sentences."""

from collections.abc import Collection, Iterator, Mapping

from connectors.registry import operations_of, scopes_of
from models.customer import Anchors
from models.playbook import Hypothesis, Playbook, Query
from models.vocabulary import CauseClass, Source
from playbooks.condition_checks import condition_problems
from playbooks.fact_checks import Finding, check_facts, unknown
from playbooks.yaml_source import Field
from reasoning.conditions import ConditionError, facts_of
from reasoning.facts import FUNCTIONS, kind_of
from reasoning.phrases import places_in, stray_braces
from reasoning.queries import check_reference, references_in
from reasoning.sql import SqlRefused, check_query
from reasoning.symptoms import SYMPTOMS
from reasoning.wording import oversteps

WINDOW_PARAMETERS = frozenset({"start", "end"})
OUTCOME_STEPS = ("inconclusive", "nothing-wrong", "needs-info")
NEEDABLE = frozenset(Anchors.model_fields) - {"reported_at", "symptom_at", "window", "customer_problem"}


def check_playbook(playbook: Playbook) -> list[Finding]:
    """Return every mistake, each with its field."""
    # Of two queries of one id the first is meant: the second is the mistake.
    columns = {query.id: columns_of(query) for query in reversed(playbook.queries)}
    kinds = {name: kind_of(spec) for name, spec in playbook.facts.items() if spec.fn in FUNCTIONS}
    return [
        *_ticket_side(playbook),
        *_queries(playbook, columns, kinds),
        *check_facts(playbook, columns),
        *_hypotheses(playbook, kinds),
        *_rest(playbook, kinds),
    ]


def columns_of(query: Query) -> frozenset[str] | None:
    """Return the columns that a query answers, or None where it is wrong already."""
    if query.source is Source.CLICKHOUSE:
        try:
            return frozenset(check_query(query.sql, query.scope).columns)
        except SqlRefused:
            return None
    operation = operations_of(query.source).get(query.operation)
    return operation.columns if operation else None


def _ticket_side(playbook: Playbook) -> Iterator[Finding]:
    for name in playbook.applies_when.symptoms:
        if name not in SYMPTOMS:
            yield ("applies_when", "symptoms", name), unknown("symptom", name, SYMPTOMS)
    for index, name in enumerate(playbook.needs):
        if name not in NEEDABLE:
            yield ("needs", index), unknown("anchor", name, NEEDABLE)
        elif name not in playbook.questions:
            yield ("questions",), f"say under {name!r} what the agent asks the customer where it is missing"
    for name in playbook.questions:
        if name not in playbook.needs:
            yield ("questions", name), unknown("needed anchor", name, playbook.needs)


def _queries(
    playbook: Playbook, columns: Mapping[str, frozenset[str] | None], kinds: Mapping[str, str]
) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, query in enumerate(playbook.queries):
        at: Field = ("queries", index)
        if query.id in seen or query.id in playbook.facts:
            yield (*at, "id"), f"{query.id!r} is also another query or a fact; ids are unique, so rename one"
        seen.add(query.id)
        if query.scope not in scopes_of(query.source):
            allowed = ", ".join(sorted(scopes_of(query.source))) or "no scope: it cannot be asked"
            yield (*at, "scope"), f"{query.source.value} takes {allowed}"
        yield from _question(query, at)
        yield from _parameters(playbook, query, at)
        yield from _sentence(query.row_sentence, columns[query.id], (*at, "row_sentence"), "column")
        yield from _measured(query.row_sentence, (*at, "row_sentence"))
        if places_in(query.absent_sentence):
            yield (*at, "absent_sentence"), "there is no row to fill this from; leave the braces out"
        if query.ask_when and not query.follow_up:
            yield (*at, "ask_when"), "only a follow-up waits for conditions; add follow_up: true"
        for number, condition in enumerate(query.ask_when):
            yield from condition_problems(condition, kinds, (*at, "ask_when", number))
    if len(playbook.queries) > playbook.budgets.queries:
        yield ("budgets", "queries"), f"{len(playbook.queries)} queries are more than {playbook.budgets.queries}"


def _question(query: Query, at: Field) -> Iterator[Finding]:
    if query.source is Source.CLICKHOUSE:
        yield from _sql_question(query, at)
        return
    if query.sql:
        yield (*at, "sql"), f"{query.source.value} takes no SQL; use operation and parameters"
    operations = operations_of(query.source)
    operation = operations.get(query.operation)
    if operation is None:
        yield (*at, "operation"), unknown("operation", query.operation, operations)
        return
    if operation.scopes and query.scope in scopes_of(query.source) - operation.scopes:
        yield (*at, "scope"), f"{query.operation!r} takes {', '.join(sorted(operation.scopes))}"
    for name in query.parameters:
        if name not in operation.names:
            yield (*at, "parameters", name), unknown("parameter", name, operation.names)
    for name in sorted(operation.required - set(query.parameters)):
        yield (*at, "parameters"), f"{query.operation!r} needs {name!r}"


def _sql_question(query: Query, at: Field) -> Iterator[Finding]:
    if query.operation != "sql":
        yield (*at, "operation"), "ClickHouse has the one operation 'sql'; leave it out"
    try:
        needed = set(check_query(query.sql, query.scope).parameters) - WINDOW_PARAMETERS
    except SqlRefused as refusal:
        yield (*at, "sql"), str(refusal)
        return
    for name in sorted(needed - set(query.parameters)):
        yield (*at, "parameters"), f"the SQL names {name!r}, but no parameter gives it"
    for name in sorted(set(query.parameters) - needed):
        yield (*at, "parameters", name), f"the SQL has no {{{name}:Type}}"


def _parameters(playbook: Playbook, query: Query, at: Field) -> Iterator[Finding]:
    for name, value in query.parameters.items():
        for reference in references_in(value):
            problem = check_reference(reference, playbook.facts)
            if problem:
                yield (*at, "parameters", name), problem
            elif reference.startswith("facts.") and not query.follow_up:
                yield (*at, "parameters", name), "facts are not known in the first round; add follow_up: true"
    for name in query.defaults:
        if name not in query.parameters:
            yield (*at, "defaults", name), unknown("parameter", name, query.parameters)


def _hypotheses(playbook: Playbook, kinds: Mapping[str, str]) -> Iterator[Finding]:
    ids = [hypothesis.id for hypothesis in playbook.hypotheses]
    for index, hypothesis in enumerate(playbook.hypotheses):
        at: Field = ("hypotheses", index)
        if ids.count(hypothesis.id) > 1:
            yield (*at, "id"), f"{hypothesis.id!r} is also another hypothesis; ids are unique, so rename one"
        yield from _verdict_side(playbook, hypothesis, kinds, at)
        yield from _note_side(playbook, hypothesis, at)
        for number, name in enumerate(hypothesis.explains):
            if name not in ids or name == hypothesis.id:
                yield (*at, "explains", number), unknown("other hypothesis", name, set(ids) - {hypothesis.id})


def _verdict_side(playbook: Playbook, hypothesis: Hypothesis, kinds: Mapping[str, str], at: Field) -> Iterator[Finding]:
    queries = {query.id: query for query in playbook.queries}
    for number, name in enumerate(hypothesis.requires):
        if name not in queries:
            yield (*at, "requires", number), unknown("query", name, queries)
    if not hypothesis.supported_when:
        yield (*at, "supported_when"), "without a condition nothing can support this"
    for part in ("supported_when", "refuted_when"):
        for number, condition in enumerate(getattr(hypothesis, part)):
            yield from condition_problems(condition, kinds, (*at, part, number))
    if hypothesis.cause is CauseClass.NOTHING_WRONG and not hypothesis.requires:
        yield (*at, "requires"), "nothing_wrong must name the checks that have to answer"
    if hypothesis.authoritative is not None and hypothesis.authoritative not in {
        query.source for query in queries.values()
    }:
        yield (*at, "authoritative"), f"no query asks {hypothesis.authoritative.value}"


def _note_side(playbook: Playbook, hypothesis: Hypothesis, at: Field) -> Iterator[Finding]:
    queries = {query.id for query in playbook.queries}
    for number, name in enumerate(hypothesis.claims):
        if name not in playbook.facts and name not in queries:
            yield (*at, "claims", number), unknown("fact or query", name, queries | set(playbook.facts))
    # What a supported hypothesis says must be known whenever it is supported.
    sure = _facts_in(hypothesis.supported_when)
    yield from _said(hypothesis.title, sure, playbook, (*at, "title"))
    yield from _said(hypothesis.ruled_out_sentence, frozenset(playbook.facts), playbook, (*at, "ruled_out_sentence"))
    for part, texts in (("next_step", playbook.next_steps), ("reply", playbook.replies)):
        name = getattr(hypothesis, part)
        if name is None:
            continue
        if name not in texts:
            yield (*at, part), unknown(part.replace("_", " "), name, texts)
            continue
        for missing in sorted(set(places_in(texts[name])) - sure):
            yield (
                (*at, part),
                f"{name!r} says {{{missing}}}, which supported_when does not make sure of; add a condition on it",
            )


def _rest(playbook: Playbook, kinds: Mapping[str, str]) -> Iterator[Finding]:
    for index, rule in enumerate(playbook.severity):
        for number, condition in enumerate(rule.when):
            yield from condition_problems(condition, kinds, ("severity", index, "when", number))
        known = [each.id for each in playbook.hypotheses]
        yield from (
            (("severity", index, "of"), unknown("hypothesis", name, known)) for name in rule.of if name not in known
        )
    for name in OUTCOME_STEPS:
        if name not in playbook.next_steps:
            yield ("next_steps",), f"{name!r} is missing: what the agent does then"
    for name, text in playbook.next_steps.items():
        if name in OUTCOME_STEPS and places_in(text):
            yield ("next_steps", name), "nothing is sure to be known then; leave the braces out"
        yield from _sentence(text, frozenset(playbook.facts), ("next_steps", name), "fact")
    for name, text in playbook.replies.items():
        yield from _sentence(text, frozenset(playbook.facts), ("replies", name), "fact")
    for name, spec in playbook.facts.items():
        yield from _sentence(spec.say, frozenset(playbook.facts) | {"value"}, ("facts", name, "say"), "fact")
        yield from _measured(spec.say, ("facts", name, "say"))


def _facts_in(conditions: Collection[str]) -> frozenset[str]:
    names: set[str] = set()
    for condition in conditions:
        try:
            names.update(facts_of(condition))
        except ConditionError:
            continue
    return frozenset(names)


def _said(sentence: str, sure: frozenset[str], playbook: Playbook, at: Field) -> Iterator[Finding]:
    findings = list(_sentence(sentence, frozenset(playbook.facts), at, "fact"))
    yield from findings
    if not findings:
        for missing in sorted(set(places_in(sentence)) - sure):
            yield at, f"{{{missing}}} may be unknown when this is said; add a condition on it to supported_when"


def _measured(text: str, at: Field) -> Iterator[Finding]:
    if word := oversteps(text):
        yield (
            at,
            f"{word!r} denies something or names a cause, which a fact or a row does not show; say what was measured, and "
            "leave the rest to a hypothesis or to absent_sentence",
        )


def _sentence(text: str, known: Collection[str] | None, at: Field, what: str) -> Iterator[Finding]:
    if stray_braces(text):
        yield at, "a brace stands alone or holds more than a name; write {name} or {name:form}"
    for name in places_in(text):
        if known is not None and name not in known:
            yield at, unknown(what, name, known)
