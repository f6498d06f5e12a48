"""The model that the harness pays: says what the verdicts in its prompt say, at a pace, and fails when told to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from models.diagnosis import Claim, Draft, Predicate
from models.vocabulary import Outcome
from tests.anthropic_server import Answer, Recorded, says

MODEL = "claude-haiku-5-5"


@dataclass
class Script:
    """What the far end answers next."""

    pace: float = 0.0
    """Seconds between two events of a stream."""
    next: list[Answer] = field(default_factory=list)
    """Played first, one for each request."""

    def __call__(self, request: Recorded) -> Answer:
        """Answer one request."""
        if self.next:
            return self.next.pop(0)
        return replace(says(sensible(request)), pace=self.pace)


def sensible(request: Recorded) -> Draft:
    """Choose the hypothesis that the facts support best, and claim just that."""
    lines = _block("\n".join(_texts(request.json)), "VERDICTS")
    verdicts = [json.loads(line) for line in lines]
    best = next((one for one in verdicts if one.get("rank") == 1), None)
    if best is None:
        return Draft(outcome=Outcome.INCONCLUSIVE)
    claim = Claim(predicate=Predicate.SUPPORTED, subject=best["id"], evidence=tuple(best["evidence"]))
    return Draft(outcome=Outcome.DIAGNOSED, hypothesis=best["id"], claims=(claim,))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _block(text: str, name: str) -> list[str]:
    _, found, rest = text.partition(f"BEGIN {name} ")
    assert found, f"the prompt has no {name}"
    body, _, _ = rest.partition(f"\nEND {name} ")
    return body.splitlines()[1:]
