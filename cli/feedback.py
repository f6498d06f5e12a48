"""`whydesk feedback`: says of a diagnosis that it was right or wrong. Kept in the ledger; nothing else is changed."""

import asyncio
import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.feedback_reliability import ReliabilityReport, reliability, reliability_table
from cli.feedback_tags import TagReport, read_tags
from cli.moments import moment
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.reading import RunReader
from ledger.records import RunSummary
from models.base import Frozen
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from models.vocabulary import CauseClass, Outcome


class Given(Frozen):
    """What `whydesk feedback --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: int = 1
    key: RunKey
    feedback: Feedback
    counts: tuple[Feedback, ...]
    """The last word of each person, this one among them."""


def feedback(
    name: Annotated[
        str | None, typer.Argument(help="An investigation (inv-…), a workflow id or a ticket's number.")
    ] = None,
    verdict: Annotated[FeedbackVerdict | None, typer.Argument(help="Whether the diagnosis was right.")] = None,
    cause: Annotated[CauseClass | None, typer.Option(help="What it really was.")] = None,
    comment: Annotated[str, typer.Option(help="For the engineers who write the playbook.")] = "",
    revision: Annotated[int | None, typer.Option(help="Which revision; the last one that ended if left out.")] = None,
    from_tags: Annotated[
        bool, typer.Option("--from-tags", help="Instead, read the tags of the tickets that got a note lately.")
    ] = False,
    since: Annotated[str, typer.Option(help="With --from-tags: a time, or how long ago.")] = "14d",
    show_reliability: Annotated[
        bool, typer.Option("--reliability", help="Instead, show how often each level of confidence was right.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was kept, as JSON.")] = False,
) -> None:
    """Say whether a diagnosis was right. Say it again to change your mind: the last word of a person counts."""
    if show_reliability:
        if name or verdict or cause or comment or revision or from_tags:
            raise UsageProblem("--reliability goes with --json alone: it shows what was said before")
        _print_reliability(asyncio.run(reliability(load_settings())), as_json)
        return
    if from_tags:
        if name or verdict or cause or comment or revision:
            raise UsageProblem("--from-tags goes with --since and --json alone: the tags say what is right or wrong")
        _print_tags(asyncio.run(_from_tags(since)), as_json)
        return
    if name is None or verdict is None:
        raise UsageProblem("say which and what: `whydesk feedback 4711 right`, or --from-tags")
    given = asyncio.run(_give(name, verdict, cause, comment.strip(), revision))
    if as_json:
        print(given.model_dump_json(indent=2))
        return
    of = f"{given.key.investigation} revision {given.key.revision}, ticket {given.key.ref.ticket}"
    print(f"kept: {of} is {verdict.value}, says {given.feedback.who}")
    others = [one for one in given.counts if one.who != given.feedback.who]
    if others:
        print("others: " + "; ".join(f"{one.verdict.value}, says {one.who}" for one in others))


def _print_reliability(report: ReliabilityReport, as_json: bool) -> None:
    if as_json:
        print(report.model_dump_json(indent=2))
    elif report.lines:
        wide_enough().print(reliability_table(report))
    else:
        print("nobody has said of a diagnosis that it was right or wrong; notes say `uncalibrated`")


def _print_tags(report: TagReport, as_json: bool) -> None:
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        for one in report.found:
            print(f"kept: {one.key.investigation} revision {one.key.revision} is {one.feedback.verdict.value}")
        print(f"{report.tickets} tickets read, {len(report.found)} new")
    for problem in report.problems:
        print(f"not read: {problem}", file=sys.stderr)
    if report.problems:
        raise typer.Exit(1)


async def _from_tags(since: str) -> TagReport:
    settings, now = load_settings(), datetime.now(UTC)
    async with await open_recorded(settings) as ledger:
        return await read_tags(settings, ledger, moment("--since", since, now), now)


async def _give(
    name: str, verdict: FeedbackVerdict, cause: CauseClass | None, comment: str, revision: int | None
) -> Given:
    async with await open_recorded(load_settings()) as ledger:
        reader = RunReader(ledger)
        run = await reader.last_told(name) if revision is None else (await reader.load_run(name, revision)).summary
        _check(run, verdict, cause)
        said = Feedback(
            revision=run.key.revision,
            verdict=verdict,
            who=getpass.getuser(),
            cause=cause,
            comment=comment,
            given_at=datetime.now(UTC),
        )
        await ledger.give_feedback(run.key, said)
        kept = (await reader.load_run(run.key.investigation, run.key.revision, run.key.ref.tenant)).summary
        return Given(key=run.key, feedback=said, counts=kept.feedback)


def _check(run: RunSummary, verdict: FeedbackVerdict, cause: CauseClass | None) -> None:
    which = f"revision {run.key.revision} of {run.key.investigation}"
    if run.outcome is None:
        raise UsageProblem(f"{which} is still running: there is nothing to be right or wrong about yet")
    if run.outcome is Outcome.NOTHING_NEW:
        raise UsageProblem(f"{which} ended with nothing new and said nothing; choose another with --revision")
    if verdict is FeedbackVerdict.RIGHT and cause is not None and cause is not run.cause:
        raise UsageProblem(
            f"--cause {cause.value!r}: {which} says {run.cause.value if run.cause else 'no cause'!r}; "
            "if that is right leave --cause out, and if it is not say wrong"
        )
