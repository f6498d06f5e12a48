"""What customers write, composed of phrases in their language, in a style, with what they would quote."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel

from evals.generate.draw import Draw

LANGUAGES = ("en", "de", "es", "fr", "pt", "ja", "it", "nl", "pl", "tr")
STYLES = ("plain", "terse", "angry", "wrong_cause", "technical", "polite", "rambling")
_SLOT = re.compile(r"\{(\w+)\}")


class Phrases(BaseModel):
    """The phrases of one language, from the file of its name."""

    greeting: list[str]
    sign: list[str]
    since: list[str]
    since_days: list[str]
    ask: list[str]
    angry: list[str]
    second: list[str]
    guess: dict[str, list[str]]
    subject: dict[str, list[str]]
    symptom: dict[str, list[str]]


@dataclass(frozen=True)
class Complaint:
    """One thing that a ticket complains of."""

    symptom: str
    slots: dict[str, str]
    hours: float


@cache
def phrases(language: str) -> Phrases:
    """Return the phrases of a language."""
    text = (Path(__file__).parent / f"{language}.yaml").read_text(encoding="utf-8")
    return Phrases.model_validate(yaml.safe_load(text))


def fill(text: str, slots: dict[str, str]) -> str:
    """Put the slots in; one pass, so that a route such as /v1/things/{id} stays as it is."""
    return _SLOT.sub(lambda found: slots.get(found[1], found[0]), text)


def write(draw: Draw, language: str, style: str, complaints: list[Complaint], slots: dict[str, str]) -> tuple[str, str]:
    """Return subject and body of a ticket about one or more complaints."""
    words = phrases(language)
    first = complaints[0]
    known = slots | first.slots
    subject = fill(draw.pick(words.subject[first.symptom]), known)
    if first.symptom == "vague":
        return subject, draw.pick(words.symptom["vague"])
    core = [_complaint(draw, words, one, slots, style) for one in complaints]
    middle = core[:1] + [f"{draw.pick(words.second)} {part}" for part in core[1:]]
    if style == "terse":
        return subject, "\n".join(middle)
    parts = [fill(draw.pick(words.greeting), known), *_before(draw, words, style), *middle, *_after(draw, words, style)]
    if style == "technical":
        parts.append(_quote(draw, first.slots))
    parts.append(fill(draw.pick(words.sign), known))
    loud = style == "angry" and "/" not in subject and draw.chance(0.3)
    return subject.upper() if loud else subject, "\n\n".join(part for part in parts if part)


def _complaint(draw: Draw, words: Phrases, one: Complaint, slots: dict[str, str], style: str) -> str:
    said = fill(draw.pick(words.symptom[one.symptom]), slots | one.slots)
    if style == "terse" and draw.chance(0.5):
        return said
    if one.symptom.startswith("invoice"):
        return said
    days = str(max(1, round(one.hours / 24)))
    since = words.since if one.hours < 48 else words.since_days
    return f"{said} {fill(draw.pick(since), {'hours': str(max(1, round(one.hours))), 'days': days})}"


def _before(draw: Draw, words: Phrases, style: str) -> list[str]:
    if style == "angry":
        return [draw.pick(words.angry)]
    if style == "rambling":
        return [draw.pick(words.guess[draw.pick(("deploy", "provider", "bug"))])]
    return []


def _after(draw: Draw, words: Phrases, style: str) -> list[str]:
    wrong = [draw.pick(words.guess[draw.pick(("deploy", "down", "provider", "bug"))])] if style == "wrong_cause" else []
    if style == "rambling":
        wrong.append(draw.pick(words.guess["limit"]))
    return [*wrong, draw.pick(words.ask)]


def _quote(draw: Draw, slots: dict[str, str]) -> str:
    """Return what developers paste: an answer as JSON, a stack trace, or a line of curl."""
    status, code, route = slots.get("status", ""), slots.get("code", ""), slots.get("route", "")
    if not code or route in ("", "*"):
        return ""
    request = f"req_{draw.word(16, '0123456789abcdef')}"
    body = json.dumps({"status": int(status), "error": {"code": code, "message": "see code"}, "request_id": request})
    trace = (
        "Traceback (most recent call last):\n"
        f'  File "/srv/app/jobs/{draw.word(5).lower()}.py", line {draw.between(20, 400)}, in run\n'
        f'    client.call("{route}", payload)\n  File "/srv/app/client.py", line 88, in call\n'
        f"    raise ApiError(response.status, response.code)\nclient.ApiError: {status} {code} ({request})"
    )
    java = (
        f"com.shop.http.ApiException: HTTP {status} {code}\n\tat com.shop.http.Client.send(Client.java:{draw.between(40, 300)})\n"
        f"\tat com.shop.jobs.Worker.run(Worker.java:{draw.between(20, 200)})\nroute={route}"
    )
    return draw.pick((f"```json\n{body}\n```", trace, java, f"> curl -si … {route}\nHTTP/2 {status}\n{body}"))
