"""Two playbooks as one, for a ticket that tells of two troubles: both are asked, and the best of each may be a cause.

Names of the second get a prefix, so that nothing of one is taken for something of the other. What both ask in the same words is
asked once. Each keeps its own rubric, steps and replies.
"""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from models.playbook import Budgets, FactSpec, Hypothesis, Playbook, Query, SeverityRule
from models.vocabulary import CauseClass
from reasoning.kept_evidence import question_of
from reasoning.phrases import PLACE
from reasoning.queries import references_in

MOST_QUERIES = 40
_FACT = "also_"
_NAME = "also-"
_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|(?<![\w.])[a-z_]\w*")
"""A quoted text, or a name that is no method."""
_NOT_FACTS = ("$anchors.", "$customer.")
_BEHIND = 1000
"""Nothing is wrong only where neither of the two finds anything."""


def compose(first: Playbook, second: Playbook) -> Playbook:
    """Return one playbook that looks into both troubles. It keeps the id and version of the first.

    A hypothesis of the second whose cause class the first supports as well counts as the same cause, not as a further one.
    """
    asked = {repr(question_of(query)): query.id for query in first.queries if _alike(query)}
    names = {query.id: asked.get(repr(question_of(query)), "") if _alike(query) else "" for query in second.queries}
    queries = {name: shared or _FACT + name for name, shared in names.items()}
    renamed = _Renamed(queries, {name: _FACT + name for name in second.facts})
    fresh = [renamed.query(query) for query in second.queries if not names[query.id]]
    own = [_behind(each, second) for each in first.hypotheses]
    further = [renamed.hypothesis(each) for each in second.hypotheses]
    budgets = (first.budgets, second.budgets)
    return first.model_copy(
        update={
            "title": f"{first.title}; {second.title}",
            "needs": list(dict.fromkeys((*first.needs, *second.needs))),
            "questions": second.questions | first.questions,
            "queries": [*first.queries, *fresh],
            "facts": first.facts | {_FACT + name: renamed.fact(spec) for name, spec in second.facts.items()},
            "hypotheses": [*own, *further],
            "severity": [
                *(_of(rule, own) for rule in first.severity),
                *(_of(renamed.rule(rule), further) for rule in second.severity),
            ],
            "next_steps": first.next_steps
            | {_NAME + name: renamed.sentence(text) for name, text in second.next_steps.items()},
            "replies": first.replies | {_NAME + name: renamed.sentence(text) for name, text in second.replies.items()},
            "instructions": "\n\n".join(text for text in (first.instructions, second.instructions) if text),
            "budgets": Budgets(
                rounds=max(each.rounds for each in budgets),
                usd=max(each.usd for each in budgets),
                queries=min(sum(each.queries for each in budgets), MOST_QUERIES),
            ),
        }
    )


def _alike(query: Query) -> bool:
    """Whether two playbooks that ask this ask the same: at once, and not by facts, which each computes in its own way."""
    bound = [name for value in query.parameters.values() for name in references_in(value)]
    return not query.follow_up and not any(name.startswith("facts.") for name in bound)


def _behind(hypothesis: Hypothesis, other: Playbook) -> Hypothesis:
    same = [_NAME + each.id for each in other.hypotheses if each.cause is hypothesis.cause]
    return hypothesis.model_copy(update={"explains": [*hypothesis.explains, *same], "weight": _weight(hypothesis)})


def _weight(hypothesis: Hypothesis) -> int:
    return hypothesis.weight - (_BEHIND if hypothesis.cause is CauseClass.NOTHING_WRONG else 0)


def _of(rule: SeverityRule, hypotheses: list[Hypothesis]) -> SeverityRule:
    return rule.model_copy(update={"of": rule.of or [each.id for each in hypotheses]})


class _Renamed:
    """The second playbook's parts under their new names."""

    def __init__(self, queries: Mapping[str, str], facts: Mapping[str, str]) -> None:
        self._queries = queries
        self._facts = facts

    def query(self, query: Query) -> Query:
        return query.model_copy(
            update={
                "id": self._queries[query.id],
                "parameters": {name: self._bound_value(value) for name, value in query.parameters.items()},
                "ask_when": [self.condition(text) for text in query.ask_when],
            }
        )

    def fact(self, spec: FactSpec) -> FactSpec:
        args = {name: self._argument(name, value) for name, value in spec.args.items()}
        return spec.model_copy(update={"args": args, "say": self.sentence(spec.say)})

    def hypothesis(self, each: Hypothesis) -> Hypothesis:
        return each.model_copy(
            update={
                "id": _NAME + each.id,
                "title": self.sentence(each.title),
                "requires": [self._queries[name] for name in each.requires],
                "supported_when": [self.condition(text) for text in each.supported_when],
                "refuted_when": [self.condition(text) for text in each.refuted_when],
                "ruled_out_sentence": self.sentence(each.ruled_out_sentence),
                "would_change": self.sentence(each.would_change),
                "claims": [self._queries.get(name) or self._facts[name] for name in each.claims],
                "explains": [_NAME + name for name in each.explains],
                "weight": _weight(each),
                "next_step": _NAME + each.next_step,
                "reply": _NAME + each.reply if each.reply else each.reply,
            }
        )

    def rule(self, rule: SeverityRule) -> SeverityRule:
        return rule.model_copy(
            update={"when": [self.condition(text) for text in rule.when], "of": [_NAME + name for name in rule.of]}
        )

    def condition(self, text: str) -> str:
        return _TOKEN.sub(lambda found: self._facts.get(found[0], found[0]), text)

    def sentence(self, text: str) -> str:
        def put(found: re.Match[str]) -> str:
            form = f":{found[2]}" if found[2] else ""
            return f"{{{self._facts.get(found[1], found[1])}{form}}}"

        return PLACE.sub(put, text)

    def _argument(self, name: str, value: JsonValue) -> JsonValue:
        if name == "query" and isinstance(value, str):
            return self._queries[value]
        if isinstance(value, str):
            own = value.startswith("$") and not value.startswith(_NOT_FACTS)
            return f"${self._facts[value[1:]]}" if own else value
        if isinstance(value, list):
            return [self._argument("", item) for item in value]
        return {key: self._argument("", item) for key, item in value.items()} if isinstance(value, dict) else value

    def _bound_value(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            head, mark, name = value.partition("$facts.")
            return f"$facts.{self._facts.get(name, name)}" if mark and not head else value
        if isinstance(value, list):
            return [self._bound_value(item) for item in value]
        return {key: self._bound_value(item) for key, item in value.items()} if isinstance(value, dict) else value
