"""The note: the verdict first, then what it stands on, what was ruled out, what was not checked, and what to do."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from models.customer import Anchors
from models.diagnosis import CheckedClaim, Diagnosis, NotChecked, Predicate
from models.evidence import Evidence
from models.note import EarlierNote, IncidentPlace, RenderedNote
from models.playbook import Hypothesis, Playbook
from models.screening import Screened, Sign
from models.vocabulary import Outcome
from models.vocabulary import Source as System
from reasoning.calibration import UNCALIBRATED
from reasoning.claims import matching_row
from reasoning.compound import NO_CUSTOMER, cited, split_titles
from reasoning.markup import console_link, safe_link
from reasoning.note import Block, Footer, Heading, Line, Listing, Paragraph, Quote, Source, as_html, as_markdown
from reasoning.output_guard import OutputGuard, guarded

MOST_LINES = 5
"""Evidence lines shown; a note is one screen."""
MOST_LINES_EACH = 3
"""The same for each of several causes, where there are more than that in all."""
MOST_RULED_OUT = 5
_MARKER = re.compile(r"whydesk:[A-Za-z0-9/_-]+")
_NOWHERE = 1_000
_MOMENT = "%Y-%m-%d %H:%M"
_RULES = "rules"
_STEPS = {
    "read_ticket": "the ticket could not be read",
    "identify_customer": "the customer could not be looked up",
    "select_playbook": "no playbook could be chosen",
    "weigh_evidence": "the evidence could not be weighed",
    "diagnose": "no reasoner could answer",
    "verify_diagnosis": "the claims could not be checked",
}
"""What a step's failure means to the agent; the step's own name stands beside it, for whoever runs Whydesk."""


_SIGNS = {
    Sign.ORDERS: "text that reads like orders to a machine in {where}; nothing in it was obeyed",
    Sign.HIDDEN: "characters that no reader sees in {where}; they were left out",
    Sign.LENGTH: "a text in {where} that was too long to be read whole",
    Sign.SCRIPT: "{where} is mostly in a script that code reads little of",
}


def render_note(
    diagnosis: Diagnosis,
    playbook: Playbook,
    evidence: Sequence[Evidence],
    anchors: Anchors,
    *,
    marker: str,
    playbook_label: str,
    investigation: str,
    took: float,
    usd: float,
    allowed_hosts: frozenset[str],
    today: date | None = None,
    console_url: str = "",
    replaces: EarlierNote | None = None,
    evidence_of: datetime | None = None,
    incident: IncidentPlace | None = None,
    guard: OutputGuard | None = None,
) -> RenderedNote:
    """Render a diagnosis for the agent who opens the ticket.

    Args:
        diagnosis: As verified; only claims that were kept are shown.
        playbook: For its title, its review date and which claims belong to which cause.
        evidence: For sources and links.
        anchors: For why there is no customer, or how uncertain it is.
        marker: `whydesk:inv-…/2`.
        playbook_label: `api-errors@3`.
        investigation: `inv-…`.
        took: Seconds from the trigger to now.
        usd: What models cost this revision.
        allowed_hosts: Hosts, or host:port, that a note may link to.
        today: A playbook whose review was due before it says so; left out, none does.
        console_url: Where an investigation has its page, with `{investigation}` in it; empty shows the id alone.
        replaces: The note on the ticket that this one supersedes.
        evidence_of: When the evidence was gathered, where it was only looked at again and nobody was asked anew.
        incident: The incident that this ticket is one of several of.
        guard: Withholds what is somebody's and not this ticket's; without one nothing is.
    """
    sources = {item.id: item for item in evidence}
    causes = _causes(diagnosis)
    blocks: list[Block] = [*(Heading(title) for title in causes), *_history(replaces, evidence_of), _grades(diagnosis)]
    if incident is not None:
        blocks.append(_incident(incident, allowed_hosts))
    for label, claims in _evidence(diagnosis, playbook, sources, len(causes)):
        lines = tuple(_line(checked, sources, anchors, allowed_hosts) for checked in claims)
        blocks.append(Listing(label, lines))
    who = _customer(anchors, diagnosis)
    if who:
        blocks.append(Paragraph("Customer", who))
    if diagnosis.ruled_out:
        blocks.append(Listing("Ruled out", tuple(_shortened(diagnosis.ruled_out, sources, allowed_hosts))))
    if diagnosis.not_checked:
        blocks.append(Listing("Not checked", tuple(_gaps(diagnosis.not_checked))))
    if diagnosis.screened:
        blocks.append(Listing("Input", tuple(_odd_input(diagnosis.screened))))
    if diagnosis.next_step:
        blocks.append(Paragraph("Next step", diagnosis.next_step))
    if diagnosis.question:
        blocks.append(Quote("Question for the customer", diagnosis.question))
    if diagnosis.draft_reply:
        blocks.append(Quote("Draft reply, to be checked before it is sent", diagnosis.draft_reply))
    blocks.append(
        Footer(
            (
                f"{playbook.title} · {playbook_label}",
                *_overdue(playbook, today),
                _author(diagnosis),
                f"{took:.1f} s",
                f"${usd:.4f}" if usd else "$0",
                _page(investigation, console_url),
            ),
            _checked_marker(marker),
        )
    )
    blocks = guarded(blocks, guard)
    return RenderedNote(html=as_html(blocks, allowed_hosts), markdown=as_markdown(blocks, allowed_hosts), marker=marker)


def render_failure(
    *,
    marker: str,
    investigation: str,
    problem: str,
    playbook_label: str = "",
    took: float | None = None,
    console_url: str = "",
    earlier: EarlierNote | None = None,
) -> RenderedNote:
    """Render the one line of a run that failed. `problem` names the step and the type of its failure, no more.

    A note that is on the ticket already (`earlier`) is not replaced by this: nothing was found that speaks against it.
    """
    parts = [playbook_label, "" if took is None else f"{took:.1f} s"]
    means = _STEPS.get(problem.partition(":")[0])
    why = f"{means} ({problem})" if means else problem or "an unknown failure"
    blocks: list[Block] = [
        Heading(f"This ticket could not be investigated: {why}. Look into it by hand."),
        *([Paragraph("Not replaced", f"the note of {earlier.posted_at:{_MOMENT}} UTC")] if earlier is not None else ()),
        Footer((*filter(None, parts), _page(investigation, console_url)), _checked_marker(marker)),
    ]
    return RenderedNote(html=as_html(blocks), markdown=as_markdown(blocks), marker=marker)


def _history(replaces: EarlierNote | None, evidence_of: datetime | None) -> Iterable[Paragraph]:
    """Say what came before, where an agent reads first: of two notes on a ticket only the newer counts."""
    again = f"evidence of {evidence_of:{_MOMENT}} UTC, looked at again" if evidence_of is not None else ""
    if replaces is not None:
        note = f"the note of {replaces.posted_at:{_MOMENT}} UTC"
        yield Paragraph("Replaces", f"{note}; {again}" if again else note)
    elif again:
        yield Paragraph("Stands on", again)


def _incident(place: IncidentPlace, allowed_hosts: frozenset[str]) -> Listing:
    """Say that others have the same, and where it began."""
    said = f"part of an incident with {place.tickets} tickets so far"
    if place.is_first:
        return Listing("Incident", (Line(f"{said}; this is the first of them", ()),))
    return Listing(
        "Incident", (Line(said, (Source(f"first: ticket {place.first}", safe_link(place.url, allowed_hosts)),)),)
    )


def _causes(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return the verdict, or one for each cause where several are needed."""
    parts = split_titles(diagnosis.title)
    if not diagnosis.also or len(parts) != 1 + len(diagnosis.also):
        return (diagnosis.title,)
    return tuple(f"Cause {number}: {title}" for number, title in enumerate(parts, 1))


def _evidence(
    diagnosis: Diagnosis, playbook: Playbook, sources: Mapping[str, Evidence], causes: int
) -> Iterable[tuple[str, Sequence[CheckedClaim]]]:
    """Yield the claims to show; with several causes, each under the one that it speaks for."""
    kept = diagnosis.kept
    if causes == 1:
        if kept:
            yield "Evidence", kept[:MOST_LINES]
        return
    named = [playbook.hypothesis(name) for name in (diagnosis.hypothesis, *diagnosis.also)]
    most = MOST_LINES_EACH if len(kept) > MOST_LINES else MOST_LINES
    places = {id(claim): [_place(hypothesis, claim, sources) for hypothesis in named] for claim in kept}
    for number in range(causes):
        # A claim stands under the cause that names it earliest; the first cause has those that none names.
        own = [claim for claim in kept if places[id(claim)].index(min(places[id(claim)])) == number]
        own = own or [claim for claim in kept if places[id(claim)][number] < _NOWHERE]
        if own:
            yield f"Evidence for cause {number + 1}", own[:most]


def _place(hypothesis: Hypothesis | None, checked: CheckedClaim, sources: Mapping[str, Evidence]) -> int:
    """Return where among a hypothesis' claims, best first, the playbook names this claim's fact or query."""
    if hypothesis is None:
        return _NOWHERE
    subject = checked.claim.subject
    if checked.claim.predicate in (Predicate.SUPPORTED, Predicate.REFUTED):
        return 0 if subject == hypothesis.id else _NOWHERE
    stated = sources[subject].query if subject in sources else subject
    return hypothesis.claims.index(stated) if stated in hypothesis.claims else _NOWHERE


def _customer(anchors: Anchors, diagnosis: Diagnosis) -> str:
    """Say what is not certain about who asks; nothing where it is."""
    customer = anchors.customer
    if customer is None:
        return (
            f"not identified ({anchors.customer_problem or 'no resolver matched'}), so nothing of theirs was looked up"
        )
    if customer.weak:
        name = f"{customer.name} ({customer.id})" if customer.name else customer.id
        withheld = "" if diagnosis.draft_reply else " (so there is no draft reply)"
        return (
            f"{name}, by the domain of the e-mail address alone: check who asks before you share their data{withheld}"
        )
    return ""


def _page(investigation: str, console_url: str) -> Source:
    return Source(f"investigation {investigation}", console_link(console_url, investigation))


def _overdue(playbook: Playbook, today: date | None) -> Iterable[str]:
    if today is not None and playbook.review_by < today:
        yield f"review was due {playbook.review_by:%Y-%m-%d}"


def _grades(diagnosis: Diagnosis) -> Paragraph:
    confidence = f"confidence {_calibrated(diagnosis)} ({diagnosis.confidence_basis})"
    if diagnosis.outcome is not Outcome.DIAGNOSED:
        return Paragraph(diagnosis.outcome.value.replace("-", " ").capitalize(), confidence)
    return Paragraph(f"Severity {diagnosis.severity}", f"{confidence}; cause: {diagnosis.cause.replace('_', ' ')}")


def _calibrated(diagnosis: Diagnosis) -> str:
    """Return `high, uncalibrated`, or `high: right in 93% of 140 labelled runs, 87–97%`."""
    if not diagnosis.calibration:
        return diagnosis.confidence.value
    join = ", " if diagnosis.calibration.startswith(UNCALIBRATED) else ": "
    return f"{diagnosis.confidence}{join}{diagnosis.calibration}"


def _line(checked: CheckedClaim, sources: dict[str, Evidence], anchors: Anchors, allowed_hosts: frozenset[str]) -> Line:
    cited = [sources[name] for name in checked.claim.evidence if name in sources]
    return Line(
        checked.sentence, _named(cited, {item.id: _link(checked, item, anchors, allowed_hosts) for item in cited})
    )


def _named(cited: Sequence[Evidence], links: Mapping[str, str | None]) -> tuple[Source, ...]:
    """Name each system once: `E1, E4 · ClickHouse, E7 · GitHub`."""
    systems = list(dict.fromkeys(item.source for item in cited))
    ordered = sorted(cited, key=lambda item: (systems.index(item.source), len(item.id), item.id))
    last = {item.source: item.id for item in ordered}
    return tuple(
        Source(f"{item.id} · {item.source.title}" if last[item.source] == item.id else item.id, links[item.id])
        for item in ordered
    )


def _link(checked: CheckedClaim, found: Evidence, anchors: Anchors, allowed_hosts: frozenset[str]) -> str | None:
    """Return the row's own address where it has one, else that of the whole answer."""
    row = matching_row(checked.claim, found, anchors) if checked.claim.predicate is Predicate.ROW_SHOWS else None
    own = row.get("url") if row is not None else None
    return safe_link(own if isinstance(own, str) else None, allowed_hosts) or safe_link(found.url, allowed_hosts)


def _shortened(
    sentences: Sequence[str], sources: Mapping[str, Evidence], allowed_hosts: frozenset[str]
) -> Iterable[Line]:
    # Two explanations of one kind are ruled out in the same words: said once, by all that rules out either.
    alike: dict[str, dict[str, Evidence]] = {}
    for sentence in sentences:
        text, ids = cited(sentence)
        names = [name for name in ids if name in sources]
        alike.setdefault(text if names else sentence, {}).update((name, sources[name]) for name in names)
    for text, items in list(alike.items())[:MOST_RULED_OUT]:
        links = {name: safe_link(item.url, allowed_hosts) for name, item in items.items()}
        yield Line(text, _named(list(items.values()), links))
    if len(alike) > MOST_RULED_OUT:
        yield Line(f"and {len(alike) - MOST_RULED_OUT} more")


def _gaps(gaps: Sequence[NotChecked]) -> Iterable[Line]:
    """One line for each source and reason, so that a source that is down takes one line, not five."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        # Why nobody was found is said once, under Customer.
        reason = "the customer is not known" if gap.reason.startswith(NO_CUSTOMER) else gap.reason
        grouped.setdefault((gap.source.title, reason), []).append(gap.title)
    for (source, reason), titles in grouped.items():
        yield Line(f"{', '.join(titles)}: {reason}" if source in reason else f"{source}, {', '.join(titles)}: {reason}")


def _odd_input(screened: Sequence[Screened]) -> Iterable[Line]:
    """One line for each sign, with where it was seen."""
    where: dict[Sign, list[str]] = {}
    for seen in screened:
        where.setdefault(seen.sign, []).append("the ticket" if seen.source is System.HELPDESK else seen.source.title)
    for sign, places in where.items():
        yield Line(_SIGNS[sign].format(where=", ".join(places)))


def _author(diagnosis: Diagnosis) -> str:
    if diagnosis.reasoner != _RULES:
        dropped = f", {diagnosis.dropped} of its claims dropped" if diagnosis.dropped else ""
        return f"words checked by code, reasoned by {diagnosis.reasoner}{dropped}"
    why = f" ({diagnosis.reasoner_problem})" if diagnosis.reasoner_problem else ""
    return f"written by the playbook's rules, no model{why}"


def _checked_marker(marker: str) -> str:
    if not _MARKER.fullmatch(marker):
        raise ValueError(f"{marker!r} is no note marker; workflows/naming.py makes them: whydesk:inv-…/2")
    return marker
