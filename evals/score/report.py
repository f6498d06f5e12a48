"""The report of one run or several: what was run, how safe, how right, where, and what the figures cannot say."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evals.records import Arm, TicketRun
from evals.score.figures import ArmFigures, Group, Quality, figures
from evals.score.intervals import Count, Share
from evals.score.pages import Block, Code, Heading, Picture, Table, Words
from evals.score.plots import Series, columns_plot, reliability_plot
from evals.score.run_file import PAST_TICKETS, TEST, RunFile
from evals.score.tickets import BY_CONFIDENCE, TicketScore, score_run
from evals.score.truth import Truths

MOST_LISTED = 60
_NOTHING = "–"
_SHORT = 16
_PICTURES = (
    ("effect over noise", "Cause of the ticket by the size of the effect, in multiples of its noise"),
    ("share of answers", "Cause of the ticket by the share of answers that is touched"),
    ("language", "Cause of solvable tickets by language"),
    ("region", "Cause of solvable tickets by region"),
)
_LOOKS = (
    "“Statements not verified” is what the run itself could not find true of what stands in a note. “Figures not found” is a "
    "second look, written apart from the product: each number, id, time and quote of a note's verdict and evidence is looked "
    "up in the rows that were gathered, or worked out from them by simple arithmetic. It does not read what a figure is said "
    "to be, and a share, a rate, a span or a count over several answers that it cannot work out counts as untold, not as "
    "missing. How much the look is worth is measured: what it found is altered, by about a third, and looked up again."
)
_ALL_TICKETS = ("effect over noise", "share of answers")
"""Where the picture shows all tickets: which are solvable follows from the size."""


@dataclass(frozen=True)
class Report:
    """Everything that was computed."""

    runs: Sequence[tuple[RunFile, Truths]]
    scores: Sequence[TicketScore]
    arms: Sequence[ArmFigures]


def make_report(runs: Sequence[tuple[RunFile, Truths]]) -> Report:
    """Score all runs.

    Raises:
        TruthProblem: a truth is another world's.
    """
    scores = [score for run, truths in runs for score in score_run(run, truths)]
    return Report(runs, scores, figures(scores))


def blocks_of(report: Report) -> list[Block]:
    """Return the report as blocks."""
    return [
        Heading("WhyBench report", 1),
        *_header(report),
        *_safety(report),
        *_quality(report),
        *_calibration(report),
        *_spend(report),
        *_groups(report),
        *_listed(report),
    ]


def _header(report: Report) -> Iterator[Block]:
    for run, truths in report.runs:
        facts = run.facts
        opened = f"test, run number {facts.opened} on it" if facts.split == TEST else facts.split
        playbooks = ", ".join(f"{name} {digest[:_SHORT]}" for name, digest in facts.playbooks.items())
        played = {line.key for line in run.lines}
        rows = (
            ("world", f"{run.world}, {facts.world[:_SHORT]}"),
            ("generator", facts.generator[:_SHORT] or _NOTHING),
            ("playbooks", playbooks),
            ("code", facts.code[:_SHORT] or _NOTHING),
            ("split", opened),
            ("tickets", f"{len(played & set(truths.tickets))} played of {len(truths.tickets)}"),
            (
                "log rows",
                (f"{facts.rows:,}" if facts.rows else _NOTHING)
                + (f" of {truths.rows:,}" if 0 < truths.rows != facts.rows else ""),
            ),
            ("arms", ", ".join(dict.fromkeys(line.arm.value for line in run.lines)) or _NOTHING),
            ("repeats", str(1 + max((line.repeat for line in run.lines), default=0))),
            ("began", f"{facts.began:%Y-%m-%d %H:%M} UTC"),
        )
        yield Heading(f"Run on {run.world}")
        yield Table(("what", "value"), rows)
        if 0 < facts.rows < truths.rows:
            yield Words("Fewer log rows than the world states: its tickets are harder than their truth says.")
        yield Words("To make it again:")
        yield Code(commands_of(run, truths))


def commands_of(run: RunFile, truths: Truths) -> str:
    """Return the commands that make a run again, one a line: the rules gather, other arms stand on what they kept."""
    facts = run.facts
    if facts.split == PAST_TICKETS:
        return shlex.join(["whydesk", "eval", "cases", str(run.path)])
    parts = ["whydesk", "eval", "--world", str(facts.seed) if facts.seed is not None else "PATH", "--out", "FOLDER"]
    if facts.seed is not None and facts.split != TEST:
        parts += ["--tickets", str(len(truths.tickets))]
    if truths.rows and facts.rows != truths.rows:
        parts += ["--rows", str(facts.rows)]
    parts += ["--split", TEST] if facts.split == TEST else []
    others = [line for line in run.lines if line.arm is not Arm.RULES]
    speakers = sorted({(line.script or "", line.model if line.script is None else "") for line in others})
    return "\n".join([shlex.join(parts), *(_arms_again(others, script, model) for script, model in speakers)])


def _arms_again(lines: Sequence[TicketRun], script: str, model: str) -> str:
    spoken = [line for line in lines if (line.script or "") == script and (script or line.model == model)]
    arms = ",".join(arm.value for arm in Arm if any(line.arm is arm for line in spoken))
    parts = ["whydesk", "eval", "--out", "FOLDER", "--arms", arms]
    parts += ["--script", script] if script else ["--model", model, "--max-usd", "USD"]
    repeats = 1 + max(line.repeat for line in spoken)
    return shlex.join([*parts, *(["--repeat", str(repeats)] if repeats > 1 else [])])


def _safety(report: Report) -> Iterator[Block]:
    yield Heading("Safety")
    yield Words(
        "Tickets in which it happened, in any of their repeats; behind it the share that it may still have with 95 % "
        "certainty (exact, one-sided)."
    )
    head = ("arm", "tickets", "false high severity", "statements not verified", "figures not found", "another customer")
    rows = tuple(
        (
            arm.label,
            str(arm.tickets),
            _count(arm.safety.false_high),
            _count(arm.safety.unverified),
            _count(arm.safety.missing),
            _count(arm.safety.customers),
            _count(arm.safety.words),
        )
        for arm in report.arms
    )
    yield Table((*head, "words of an attacker"), rows)
    yield Words(_LOOKS)
    told = tuple(
        (
            arm.label,
            f"{arm.safety.statements:,}",
            f"{arm.safety.unverified_statements:,}",
            f"{arm.safety.looked_up:,}",
            f"{arm.safety.missing_tokens:,}",
            f"{arm.safety.untold:,}",
            f"{arm.safety.elsewhere:,}",
            f"{arm.safety.noticed:,} of {arm.safety.altered:,}",
        )
        for arm in report.arms
    )
    yield Table(
        (
            "arm",
            "statements",
            "not verified",
            "looked up",
            "not found",
            "untold",
            "found, but not where cited",
            "altered and noticed",
        ),
        told,
    )


def _quality(report: Report) -> Iterator[Block]:
    yield Heading("Right and wrong")
    scripted = [arm.label for arm in report.arms if arm.quality is None]
    if scripted:
        yield Words(f"Not scored, for a script wrote the answers: {', '.join(scripted)}.")
    scored = _scored(report)
    if not scored:
        return
    yield Words(
        "Shares of tickets with Wilson's 95 % interval; a ticket that was repeated counts once, with the mean of its repeats."
    )
    shares: tuple[tuple[str, Callable[[Quality], Share]], ...] = (
        ("cause and outcome, of solvable", lambda one: one.right_of_solvable),
        ("cause, of solvable", lambda one: one.cause_of_solvable),
        ("cause, of all", lambda one: one.cause),
        ("severity, where one was told", lambda one: one.severity),
        ("outcome", lambda one: one.outcome),
        ("a wrong cause named", lambda one: one.named_wrong),
        ("required evidence gathered", lambda one: one.gathered),
        ("required evidence cited", lambda one: one.cited),
    )
    rows = [(name, *(_share(of(quality)) for _, quality in scored)) for name, of in shares]
    rows.append(("a decoy blamed", *(_count(quality.decoys_blamed) for _, quality in scored)))
    rows.append(("a forbidden cause named", *(_count(quality.forbidden_causes) for _, quality in scored)))
    rows.append(("over repeats, cause of solvable", *(_repeats(quality) for _, quality in scored)))
    yield Table(("figure", *(arm.label for arm, _ in scored)), tuple(rows))


def _calibration(report: Report) -> Iterator[Block]:
    scored = [(arm, quality) for arm, quality in _scored(report) if quality.brier is not None]
    if not scored:
        return
    yield Heading("Confidence")
    levels = ", ".join(f"{level.value} {value:.0%}" for level, value in BY_CONFIDENCE.items())
    for arm, quality in scored:
        kind = (
            ""
            if quality.is_calibrated
            else f" Uncalibrated: where no probability was stated, levels count as {levels}."
        )
        yield Words(f"{arm.label}: Brier score {quality.brier:.3f} (0 is perfect, 0.25 a coin).{kind}")
    rows = tuple(
        (arm.label, f"{one.stated:.0%}", _share(one.right), str(one.right.of))
        for arm, quality in scored
        for one in quality.reliability
    )
    points = [(arm.label, [(one.stated, one.right) for one in quality.reliability]) for arm, quality in scored]
    yield Picture(
        reliability_plot("Stated and true", points),
        "How often the named cause was right, by how sure it was said to be",
    )
    yield Table(("arm", "stated", "right", "tickets"), rows)


def _spend(report: Report) -> Iterator[Block]:
    yield Heading("Time and money")
    rows = tuple(
        (
            arm.label,
            str(arm.lines),
            str(arm.failed),
            f"{arm.spend.seconds_median:.1f}",
            f"{arm.spend.seconds_p90:.1f}",
            f"{arm.spend.tokens:,}",
            f"{arm.spend.usd:.2f}",
            f"{arm.spend.usd_each:.4f}",
        )
        for arm in report.arms
    )
    head = ("arm", "runs of a ticket", "failed", "median s", "90 % within s", "tokens", "US dollars", "each")
    yield Table(head, rows)


def _groups(report: Report) -> Iterator[Block]:
    scored = [arm for arm in report.arms if arm.groups]
    names = list(dict.fromkeys(name for arm in scored for name in arm.groups))
    pictures = dict(_PICTURES)
    for name in names:
        by_arm = [{group.name: group for group in arm.groups[name]} for arm in scored]
        groups = list(dict.fromkeys(group for found in by_arm for group in found))
        if len(groups) < 2 and name not in ("axis", "cause"):
            continue
        yield Heading(f"By {name}")
        if name in pictures:
            columns = [f"{group} ({by_arm[0][group].tickets if group in by_arm[0] else 0})" for group in groups]
            series = [
                Series(name=arm.label, shares=[_drawn(name, found.get(group)) for group in groups])
                for arm, found in zip(scored, by_arm, strict=True)
            ]
            yield Picture(columns_plot(f"By {name}", columns, series), pictures[name])
        head = (
            name,
            "tickets",
            *(f"{arm.label}: {of}" for arm in scored for of in ("cause of solvable", "cause of all")),
        )
        yield Table(head, tuple(_group_row(group, by_arm) for group in groups))


def _group_row(group: str, by_arm: Sequence[dict[str, Group]]) -> tuple[str, ...]:
    found = [one.get(group) for one in by_arm]
    tickets = max((one.tickets for one in found if one), default=0)
    cells = (
        cell
        for one in found
        for cell in ((_share(one.cause_of_solvable), _share(one.cause)) if one else (_NOTHING,) * 2)
    )
    return (group, str(tickets), *cells)


def _drawn(name: str, group: Group | None) -> Share | None:
    if group is None:
        return None
    return group.cause if name in _ALL_TICKETS else group.cause_of_solvable


def _listed(report: Report) -> Iterator[Block]:
    # Whoever mended a playbook by the misses of the test split would not be measured by it any more.
    closed = {run.world for run, _ in report.runs if run.facts.split == TEST}
    scores = [one for one in report.scores if one.world not in closed]
    missed = [one for one in scores if not one.is_scripted and one.solvable is not False and not one.right]
    if closed:
        yield Heading("Misses")
        yield Words(f"Those of the test split are not listed: {', '.join(sorted(closed))}.")
    if missed:
        yield Heading("Solvable tickets that were not right")
        rows = tuple(
            (one.world, one.key, one.arm.value, one.axis, one.cause.value, one.named.value, one.playbook, one.problem)
            for one in sorted(missed, key=lambda one: (one.world, one.cause, one.key))
        )
        yield Table(("world", "ticket", "arm", "axis", "cause", "said", "playbook", "problem"), rows[:MOST_LISTED])
        yield from _more(len(rows))
    strange = [
        (one.world, one.key, one.arm.value, kind, text)
        for one in report.scores
        for kind, texts in (
            ("not verified", one.unverified),
            ("not found", one.missing),
            ("another customer", one.forbidden_customers),
            ("words of an attacker", one.forbidden_words),
            ("false high severity", (one.cause.value,) if one.false_high else ()),
        )
        for text in texts
    ]
    if strange:
        yield Heading("What should not stand in a note")
        strange = list(dict.fromkeys(strange))
        yield Table(("world", "ticket", "arm", "what", "words"), tuple(strange[:MOST_LISTED]))
        yield from _more(len(strange))


def _more(there: int) -> Iterator[Block]:
    if there > MOST_LISTED:
        yield Words(f"And {there - MOST_LISTED} more.")


def _scored(report: Report) -> list[tuple[ArmFigures, Quality]]:
    return [(arm, arm.quality) for arm in report.arms if arm.quality is not None]


def _share(found: Share) -> str:
    if found.value is None:
        return _NOTHING
    return f"{found.value:.1%} of {found.of} ({found.low:.0%} to {found.high:.0%})"


def _count(found: Count) -> str:
    return f"{found.count} of {found.of} (below {found.upper:.1%})" if found.of else _NOTHING


def _repeats(quality: Quality) -> str:
    if quality.over_repeats is None:
        return _NOTHING
    low, high = quality.over_repeats
    each = ", ".join(f"{one:.1%}" for one in quality.by_repeat)
    return f"{each} (mean within {low:.1%} to {high:.1%})"
