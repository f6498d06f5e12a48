"""The note: the verdict first, then what it stands on, what was ruled out, what was not checked, and what to do."""

import re
from collections.abc import Iterable, Sequence

from models.customer import Anchors
from models.diagnosis import CheckedClaim, Diagnosis, NotChecked, Predicate
from models.evidence import Evidence
from models.note import RenderedNote
from models.playbook import Playbook
from models.vocabulary import Outcome
from reasoning.claims import matching_row
from reasoning.markup import safe_link
from reasoning.note import Block, Footer, Heading, Line, Listing, Paragraph, Quote, Source, as_html, as_markdown

MOST_LINES = 5
"""Evidence lines shown; a note is one screen."""
MOST_RULED_OUT = 5
_MARKER = re.compile(r"whydesk:[A-Za-z0-9/_-]+")
_RULES = "rules"


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
) -> RenderedNote:
    """Render a diagnosis for the agent who opens the ticket.

    Args:
        diagnosis: As verified; only claims that were kept are shown.
        playbook: For its title.
        evidence: For sources and links.
        anchors: For why there is no customer, if so.
        marker: `whydesk:inv-…/2`.
        playbook_label: `api-errors@3`.
        investigation: `inv-…`.
        took: Seconds from the trigger to now.
        usd: What models cost this revision.
        allowed_hosts: Hosts, or host:port, that a note may link to.
    """
    sources = {item.id: item for item in evidence}
    shown = [_line(checked, sources, anchors, allowed_hosts) for checked in diagnosis.kept[:MOST_LINES]]
    blocks: list[Block] = [Heading(diagnosis.title), _grades(diagnosis)]
    if shown:
        blocks.append(Listing("Evidence", tuple(shown)))
    if anchors.customer is None:
        why = anchors.customer_problem or "no resolver matched"
        blocks.append(Paragraph("Customer", f"not identified ({why}), so nothing of theirs was looked up"))
    if diagnosis.ruled_out:
        blocks.append(Listing("Ruled out", tuple(_shortened(diagnosis.ruled_out))))
    if diagnosis.not_checked:
        blocks.append(Listing("Not checked", tuple(_gaps(diagnosis.not_checked))))
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
                _author(diagnosis),
                f"{took:.1f} s",
                f"${usd:.4f}",
                f"investigation {investigation}",
            ),
            _checked_marker(marker),
        )
    )
    return RenderedNote(html=as_html(blocks, allowed_hosts), markdown=as_markdown(blocks, allowed_hosts), marker=marker)


def render_failure(
    *, marker: str, investigation: str, problem: str, playbook_label: str = "", took: float | None = None
) -> RenderedNote:
    """Render the one line of a run that failed. `problem` names the step and the type of its failure, no more."""
    parts = [f"investigation {investigation}", playbook_label, "" if took is None else f"{took:.1f} s"]
    blocks: list[Block] = [
        Heading(f"This ticket could not be investigated: {problem or 'an unknown failure'}"),
        Footer(tuple(part for part in parts if part), _checked_marker(marker)),
    ]
    return RenderedNote(html=as_html(blocks), markdown=as_markdown(blocks), marker=marker)


def _grades(diagnosis: Diagnosis) -> Paragraph:
    confidence = f"confidence {diagnosis.confidence} ({diagnosis.confidence_basis})"
    if diagnosis.outcome is not Outcome.DIAGNOSED:
        return Paragraph(diagnosis.outcome.value.replace("-", " ").capitalize(), confidence)
    return Paragraph(f"Severity {diagnosis.severity}", f"{confidence}; cause: {diagnosis.cause.replace('_', ' ')}")


def _line(checked: CheckedClaim, sources: dict[str, Evidence], anchors: Anchors, allowed_hosts: frozenset[str]) -> Line:
    cited = [sources[name] for name in checked.claim.evidence if name in sources]
    systems = list(dict.fromkeys(item.source for item in cited))
    ordered = sorted(cited, key=lambda item: (systems.index(item.source), len(item.id), item.id))
    last = {item.source: item.id for item in ordered}
    return Line(
        checked.sentence,
        tuple(
            # A system is named once: `E1, E4 · ClickHouse, E7 · GitHub`.
            Source(
                f"{item.id} · {item.source.title}" if last[item.source] == item.id else item.id,
                _link(checked, item, anchors, allowed_hosts),
            )
            for item in ordered
        ),
    )


def _link(checked: CheckedClaim, found: Evidence, anchors: Anchors, allowed_hosts: frozenset[str]) -> str | None:
    """Return the row's own address where it has one, else that of the whole answer."""
    row = matching_row(checked.claim, found, anchors) if checked.claim.predicate is Predicate.ROW_SHOWS else None
    own = row.get("url") if row is not None else None
    return safe_link(own if isinstance(own, str) else None, allowed_hosts) or safe_link(found.url, allowed_hosts)


def _shortened(sentences: Sequence[str]) -> Iterable[Line]:
    yield from (Line(text) for text in sentences[:MOST_RULED_OUT])
    if len(sentences) > MOST_RULED_OUT:
        yield Line(f"and {len(sentences) - MOST_RULED_OUT} more")


def _gaps(gaps: Sequence[NotChecked]) -> Iterable[Line]:
    """One line for each source and reason, so that a source that is down takes one line, not five."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        grouped.setdefault((gap.source.title, gap.reason), []).append(gap.title)
    for (source, reason), titles in grouped.items():
        yield Line(f"{', '.join(titles)}: {reason}" if source in reason else f"{source}, {', '.join(titles)}: {reason}")


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
