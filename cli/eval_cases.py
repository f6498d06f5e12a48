"""`whydesk eval export` and `whydesk eval cases`: past tickets of one's own, without people, and the rules scored on them."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from activities.bodies import Bodies
from activities.rediagnose import NothingKept, Past, load_past
from cli.connection import load_settings
from cli.errors import UsageProblem, no_such
from cli.eval_report import write_report
from cli.moments import moment
from cli.named_playbook import playbook_or_path
from cli.recorded import open_recorded
from ledger.listing import RunFilter
from ledger.past_runs import SqlPastRuns
from ledger.reading import RunReader
from settings import Settings

if TYPE_CHECKING:
    from evals.run.cases import Case

_MOST = 1_000_000


def export(
    out: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    tenant: Annotated[str | None, typer.Option(help="Whose, where whydesk.yaml has several.")] = None,
    since: Annotated[str, typer.Option(help="Tickets from then on: a time, or how long ago.")] = "30d",
) -> None:
    """Write past tickets whose cause people have named (`whydesk feedback`) as a folder of cases, without people.

    None of a ticket's words go out; of its evidence what a fixture keeps. A case in which anybody would still be named, or that
    comes out otherwise without its people, is left out. Read the folder before you pass it on.
    """
    from evals.run.cases import About, CasesProblem, write_cases

    settings = load_settings()
    now = datetime.now(UTC)
    begin = moment("--since", since, now)
    cases, left = asyncio.run(_cases(settings, _tenant(settings, tenant), begin))
    for why, count in sorted(left.items()):
        print(f"left out: {count}, {why}")
    if not cases:
        raise UsageProblem(
            f"no ticket since {begin:%Y-%m-%d %H:%M} UTC can be exported: say what a ticket was with "
            "`whydesk feedback TICKET right`, or wrong --cause"
        )
    try:
        write_cases(out, About(exported=now.date(), since=begin.date(), cases=len(cases)), cases)
    except CasesProblem as problem:
        raise UsageProblem(str(problem)) from None
    print(f"{out}: {len(cases)} cases")
    print("Read them before you pass them on: routes, versions, numbers and the team's own records are as they were.")


def cases(
    folder: Annotated[Path, typer.Argument(help="A folder that `whydesk eval export` wrote.")],
    playbook: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID@VERSION|FILE", help="Follow this in place of the version that was followed then; repeatable."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.md and report.html; that of the cases if left out.")
    ] = None,
) -> None:
    """Diagnose past tickets anew by the rules, over the evidence that was kept, and score them by what people said it was."""
    from evals.run.cases import CasesProblem, play_cases, read_cases

    try:
        found = read_cases(folder)
    except CasesProblem as problem:
        raise UsageProblem(str(problem)) from None
    chosen = [playbook_or_path(name, None) for name in playbook or []]
    unused = {one.id for one in chosen} - {case.playbook.id for case in found}
    if unused:
        raise UsageProblem(f"--playbook: no case followed {', '.join(sorted(unused))}")
    run, truths = play_cases(folder, found, chosen)
    write_report([(run, truths)], out or folder)


def _tenant(settings: Settings, name: str | None) -> str:
    known = sorted(settings.tenants)
    if name is None and len(known) == 1:
        return known[0]
    if name is None:
        raise UsageProblem(f"choose a tenant with --tenant; configured: {', '.join(known) or 'none'}")
    # A ledger may know tenants that are configured nowhere here, as that of a demo does.
    if known and name not in known:
        raise no_such("tenant", name, known)
    return name


async def _cases(settings: Settings, tenant: str, since: datetime) -> "tuple[list[Case], Counter[str]]":
    from evals.run.anonymous import LeftOut, Names, as_case, cause_of, people_of

    left: Counter[str] = Counter()
    found: list[tuple[Past, bool]] = []
    async with await open_recorded(settings) as ledger:
        bodies, runs = Bodies(ledger), SqlPastRuns(ledger)
        # Everybody of the ledger, however old: what is exported may name whoever wrote long ago.
        for summary in await RunReader(ledger).list_runs(_MOST, RunFilter(tenant=tenant)):
            try:
                found.append((await load_past(bodies, runs, summary.key), summary.opened_at >= since))
            except NothingKept:
                left["nothing was kept of it"] += summary.opened_at >= since
    names = Names(name for past, _ in found for name in people_of(past))
    cases: list[Case] = []
    for past in [past for past, is_meant in found if is_meant]:
        cause = cause_of(past)
        if cause is None or past.diagnosis is None:
            left["nobody said what it was, or people do not agree"] += 1
            continue
        try:
            cases.append(as_case(past, f"case-{len(cases) + 1:04}", cause, names))
        except LeftOut as why:
            left[str(why)] += 1
    return cases, +left
