"""What a model is shown: the playbook once, cacheable, and one investigation as redacted, delimited, bounded data."""

import hashlib
import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors
from models.diagnosis import Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Role, Ticket
from models.vocabulary import Outcome
from reasoning.phrases import format_value
from reasoning.prompts.wording import wording
from reasoning.providers.base import Prompt
from reasoning.redact import Redactor
from reasoning.select import Ranked

FORMAT = 1
"""Raised whenever the shape of an answer changes; the words themselves are versioned files, see reasoning/prompts."""
MOST_ROWS = 20
"""Rows shown of one piece of evidence."""
MOST_EVIDENCE_CHARACTERS = 60_000
MOST_TICKET_CHARACTERS = 16_000
MOST_MESSAGE_CHARACTERS = 4_000
MOST_CELL_CHARACTERS = 400


def build_prompt(
    playbook: Playbook,
    ticket: Ticket,
    anchors: Anchors,
    weighing: Weighing,
    evidence: Sequence[Evidence],
    redactor: Redactor,
    findings: Sequence[str] = (),
    offered: Sequence[str] = (),
) -> Prompt:
    """Build what a model sees. The same inputs give the same prompt.

    Args:
        playbook: The pinned one; it alone makes the system part, so that all its investigations share the cached prefix.
        ticket: With its conversation.
        anchors: Found by code in the text.
        weighing: Facts and verdicts.
        evidence: All answers so far.
        redactor: Of this investigation; everything in the user part goes through it.
        findings: What the verifier found wrong with the last attempt, for the one repair round.
        offered: Ids of the follow-up queries that may still be asked for.
    """
    words = wording("diagnose")
    ticket_lines = list(_ticket(ticket, anchors, redactor))
    evidence_lines = list(_evidence(evidence, redactor))
    fence = _fence([*ticket_lines, *evidence_lines])
    parts = [
        _fenced("TICKET", fence, ticket_lines),
        _fenced("FACTS", fence, list(_facts(weighing, redactor))),
        _fenced("VERDICTS", fence, list(_verdicts(weighing, redactor))),
        _fenced("EVIDENCE", fence, evidence_lines),
    ]
    if findings:
        parts.append(
            f"{words.part('repair')}\n"
            + "\n".join(f"- {json.dumps(redactor.redact(text), ensure_ascii=False)}" for text in findings)
        )
    parts.append(
        words.part("may-ask").replace("{queries}", ", ".join(offered)) if offered else words.part("may-not-ask")
    )
    parts.append(words.part("question"))
    system = f"{words.part('system')}\n\n{_playbook(playbook)}"
    return Prompt(system=system, user="\n\n".join(parts), version=words.label)


def show_ticket_and_evidence(
    ticket: Ticket, anchors: Anchors, evidence: Sequence[Evidence], redactor: Redactor
) -> tuple[str, ...]:
    """Return the ticket and the evidence as `build_prompt` shows them, with nothing of a playbook or of what code concluded."""
    ticket_lines, evidence_lines = list(_ticket(ticket, anchors, redactor)), list(_evidence(evidence, redactor))
    fence = _fence([*ticket_lines, *evidence_lines])
    return _fenced("TICKET", fence, ticket_lines), _fenced("EVIDENCE", fence, evidence_lines)


def build_choice_prompt(ticket: Ticket, anchors: Anchors, tied: Sequence[Ranked], redactor: Redactor) -> Prompt:
    """Build what a model sees that chooses between playbooks. The same inputs give the same prompt."""
    words = wording("select")
    playbooks = [
        _json(
            {
                "id": each.playbook.id,
                "title": each.playbook.title,
                "causes": list(dict.fromkeys(hypothesis.cause.value for hypothesis in each.playbook.hypotheses)),
                "signals": [*sorted(each.signals)],
            }
        )
        for each in tied
    ]
    lines = list(_ticket(ticket, anchors, redactor))
    parts = ["\n".join(["Playbooks", *playbooks]), _fenced("TICKET", _fence(lines), lines), words.part("question")]
    return Prompt(system=words.part("system"), user="\n\n".join(parts), version=words.label)


def request_digest(prompt: Prompt, model: str) -> str:
    """Return what a paid answer is stored under: the prompt's version, and 64 hex digits over all that decides it."""
    parts = (str(FORMAT), model, prompt.version, prompt.system, prompt.user)
    return f"{prompt.version}:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def _playbook(playbook: Playbook) -> str:
    """Say what a playbook offers, one JSON object a line."""
    lines = [f"Playbook {playbook.id}, version {playbook.version}: {playbook.title}"]
    if playbook.instructions:
        lines += ["", playbook.instructions.strip()]
    lines += ["", "Hypotheses"]
    lines += [
        _json({"id": each.id, "cause": each.cause, "title": each.title, "next_step": each.next_step})
        for each in playbook.hypotheses
    ]
    lines += ["", "Facts"]
    lines += [
        _json({"id": name, "label": spec.label, "unit": spec.unit, "says": spec.say})
        for name, spec in playbook.facts.items()
    ]
    lines += ["", "Queries"]
    lines += [
        _json(
            {
                "id": each.id,
                "source": each.source,
                "title": each.title,
                "row": each.row_sentence,
                "absent": each.absent_sentence,
                "follow_up": each.follow_up,
            }
        )
        for each in playbook.queries
    ]
    outcomes = {each.value for each in Outcome}
    lines += ["", "Next steps"]
    lines += [_json({"id": name, "says": text}) for name, text in playbook.next_steps.items() if name not in outcomes]
    return "\n".join(lines)


def _ticket(ticket: Ticket, anchors: Anchors, redactor: Redactor) -> Iterator[str]:
    yield _json({"subject": _cut(redactor.redact(ticket.subject), MOST_CELL_CHARACTERS)})
    customer = anchors.customer
    yield _json(
        {
            "customer": redactor.redact(customer.id) if customer else None,
            "plan": customer.plan if customer else "",
            "region": customer.region if customer else "",
            "customer_problem": anchors.customer_problem,
            "reported_at": f"{anchors.reported_at:%Y-%m-%dT%H:%M:%SZ}",
            "symptom_at": f"{anchors.symptom_at:%Y-%m-%dT%H:%M:%SZ}",
        }
    )
    # The first message says what is wrong and the last what is new; what does not fit is in between.
    said = [message for message in ticket.messages if message.role is not Role.OWN]
    order = [*said[:1], *reversed(said[1:])]
    room, shown = MOST_TICKET_CHARACTERS, set()
    for message in order:
        cost = min(len(message.text), MOST_MESSAGE_CHARACTERS)
        if cost > room:
            break
        room -= cost
        shown.add(message.id)
    for message in said:
        if message.id in shown:
            text = _cut(redactor.redact(message.text), MOST_MESSAGE_CHARACTERS)
            at = f"{message.created_at:%Y-%m-%dT%H:%M:%SZ}"
            yield _json({"from": message.role, "public": message.public, "at": at, "text": text})
    if len(shown) < len(said):
        yield _json({"left_out": f"{len(said) - len(shown)} messages in between"})


def _facts(weighing: Weighing, redactor: Redactor) -> Iterator[str]:
    for fact in weighing.facts:
        shown: dict[str, JsonValue] = {
            "id": fact.id,
            "value": _cut(redactor.redact(format_value(fact)), MOST_CELL_CHARACTERS),
            "evidence": list(fact.evidence),
        }
        if fact.value is None:
            shown["why"] = redactor.redact(fact.why_unknown)
        yield _json(shown)


def _verdicts(weighing: Weighing, redactor: Redactor) -> Iterator[str]:
    for verdict in weighing.verdicts:
        yield _json(
            {
                "id": verdict.id,
                "verdict": verdict.verdict,
                "rank": verdict.rank,
                "severity": verdict.severity,
                "because": [redactor.redact(text) for text in verdict.because],
                "evidence": list(verdict.evidence),
                "open_checks": list(verdict.open_checks),
            }
        )
    if weighing.missing:
        yield _json({"missing_anchors": list(weighing.missing)})


def _evidence(evidence: Sequence[Evidence], redactor: Redactor) -> Iterator[str]:
    room = MOST_EVIDENCE_CHARACTERS
    for position, item in enumerate(evidence):
        head: dict[str, JsonValue] = {"evidence": item.id, "query": item.query, "source": item.source}
        head |= {"status": item.status, "scope": item.scope, "rows": len(item.rows)}
        if item.truncated:
            head["truncated"] = True
        if item.stale:
            head["stale"] = True
        if item.reason:
            head["reason"] = redactor.redact(item.reason)
        yield _json(head)
        # What one answer leaves of its share is there for those after it.
        share = room // (len(evidence) - position)
        used, shown = 0, 0
        for row in item.rows[:MOST_ROWS]:
            # Redacted before it is cut: half an address has no shape any more.
            line = _json({"of": item.id, "row": _short(redactor.redact_row(row))})
            if used + len(line) > share:
                break
            used, shown = used + len(line), shown + 1
            yield line
        room -= used
        if shown < len(item.rows):
            yield _json({"of": item.id, "left_out": f"{len(item.rows) - shown} of {len(item.rows)} rows"})


def _short(row: Row) -> Row:
    return {name: _cut(value, MOST_CELL_CHARACTERS) if isinstance(value, str) else value for name, value in row.items()}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _json(value: dict[str, JsonValue]) -> str:
    """One line, whatever is in it: a line end in a value is written as two characters."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")


def _fence(lines: Sequence[str]) -> str:
    """Return a word that the data cannot hold: it is a digest of them."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _fenced(name: str, fence: str, lines: Sequence[str]) -> str:
    return "\n".join([f"BEGIN {name} {fence}", *lines, f"END {name} {fence}"])
