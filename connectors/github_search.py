"""What GitHub is asked without PyGithub: workflow runs, and the search for pull requests and issues that mention something."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from connectors.answers import iso
from connectors.base import Unavailable
from connectors.github_client import CLIENT_ERRORS, failure
from connectors.github_parameters import ListWorkflowRuns, SearchMentions
from connectors.github_reads import EVER, Rows
from connectors.github_shapes import FOUND_ISSUES, RUNS, FoundIssue, Run
from connectors.http import ReadOnlyHttp, Reply
from connectors.parameters import ask_together
from connectors.shapes import read_shape
from models.base import Row
from models.customer import Window

_PAGE = 100
_REACH = 1_000
"""Results that GitHub gives of a search and of runs in a range of time, however many there are."""
_SEARCHES = 12
"""Searches for one question: GitHub takes 30 a minute from a token, all investigations together."""
_TERM = 200
"""Characters of a term: GitHub takes 256 for a whole query."""
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_KINDS = {"pull": "is:pull-request", "issue": "is:issue"}


class Rest:
    """GETs of one question by one token; what was asked is written down in `sent`."""

    def __init__(self, http: ReadOnlyHttp, token: str, sent: list[str]) -> None:
        """Ask nothing yet."""
        self._http = http
        self._headers = {**_HEADERS, "Authorization": f"Bearer {token}"}
        self._sent = sent

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        """GET a path.

        Raises:
            ConnectorError, Declined: as connectors.http, in GitHub's own meaning of a client error.
        """
        shown = "&".join(f"{name}={value}" for name, value in (params or {}).items())
        self._sent.append(f"GET {path}{'?' + shown if shown else ''}")
        reply = await self._http.get(path, params=dict(params or {}), headers=self._headers, accept=CLIENT_ERRORS)
        if reply.status >= 400:
            raise failure(
                reply.status, reply.headers, bool(re.search("rate limit", reply.text[:10_000], re.IGNORECASE))
            )
        return reply


async def list_workflow_runs(rest: Rest, repository: str, wanted: ListWorkflowRuns, window: Window, limit: int) -> Rows:
    """Read the runs that were created in the window, newest first."""
    params: dict[str, str | int] = {"per_page": _PAGE}
    if window != EVER:
        params["created"] = f"{iso(window.start.replace(microsecond=0))}..{iso(window.end.replace(microsecond=0))}"
    asked = {"branch": wanted.branch, "event": wanted.event, "status": wanted.status}
    params |= {name: value for name, value in asked.items() if value is not None}
    rows: list[Row] = []
    seen: set[int] = set()
    for page in range(1, _REACH // _PAGE + 1):
        reply = await rest.get(f"/repos/{repository}/actions/runs", {**params, "page": page})
        found = read_shape(RUNS, reply.json(), "runs")
        # A run that starts between two pages pushes others over to the next one.
        fresh = [run for run in found.workflow_runs if run.id not in seen]
        seen.update(run.id for run in fresh)
        rows += [_run_row(repository, run) for run in fresh if window.start <= run.created_at < window.end]
        if len(rows) > limit:
            return Rows(rows, True)
        if len(found.workflow_runs) < _PAGE:
            # A page that is short before the end was reached hides something.
            return Rows(rows, len(seen) < min(found.total_count, _REACH) or found.total_count > _REACH)
    return Rows(rows, found.total_count > len(seen))


class Mentions(NamedTuple):
    """What was found of all searches, last touched first, and what was left out."""

    rows: list[Row]
    total: int | None
    """How many there are, where one search was enough to know."""
    remarks: list[str]


class _Search(NamedTuple):
    term: str
    repository: str
    kind: str


async def search_mentions(rest: Rest, repositories: Iterable[str], wanted: SearchMentions, limit: int) -> Mentions:
    """Search each repository for each term by itself: how GitHub joins qualifiers has changed, and differs by version."""
    terms = dict.fromkeys(_phrase(term) for term in wanted.terms)
    kinds = [wanted.kind] if wanted.kind else list(_KINDS)
    searches = [
        _Search(term, repository, kind) for term in terms if term for repository in repositories for kind in kinds
    ]
    if not searches:
        return Mentions([], None, ["there is no term to search for"])
    made = searches[:_SEARCHES]
    results = await ask_together(_search(rest, one, wanted, limit) for one in made)
    rows: dict[tuple[object, object], Row] = {}
    for result in results:
        for row in result.rows:
            rows.setdefault((row["repository"], row["number"]), row)
    remarks = list(dict.fromkeys(remark for result in results for remark in result.remarks))
    if len(searches) > len(made):
        remarks.append(
            f"made the first {len(made)} of {len(searches)} searches; name repositories, a kind or fewer terms"
        )
    ordered = sorted(rows.values(), key=lambda row: str(row["updated_at"]), reverse=True)
    return Mentions(ordered, results[0].total if len(searches) == 1 else None, remarks)


async def _search(rest: Rest, search: _Search, wanted: SearchMentions, limit: int) -> Mentions:
    words = [f'"{search.term}"', f"repo:{search.repository}", _KINDS[search.kind]]
    if wanted.updated_since is not None:
        words.append(f"updated:>={iso(wanted.updated_since.replace(microsecond=0))}")
    query = " ".join(words)
    rows: list[Row] = []
    remarks: list[str] = []
    for page in range(1, _REACH // _PAGE + 1):
        params: dict[str, str | int] = {"q": query, "sort": "updated", "order": "desc", "per_page": _PAGE, "page": page}
        found = read_shape(FOUND_ISSUES, (await rest.get("/search/issues", params)).json(), "search")
        rows += [_found_row(search, one) for one in found.items]
        if found.incomplete_results:
            remarks.append(f"GitHub did not finish its search of {search.repository}")
        if len(rows) > limit or len(rows) >= min(found.total_count, _REACH):
            break
        if not found.items:
            raise Unavailable("GitHub says that there is more to its search, and gives nothing")
    if found.total_count > _REACH and len(rows) <= limit:
        remarks.append(f"GitHub gives the first {_REACH} of {found.total_count} results")
    return Mentions(rows, found.total_count, remarks)


def _phrase(term: str) -> str:
    # Quotes would end the phrase, and GitHub knows no way to write them within one.
    return " ".join(re.sub(r'["\\]', " ", term).split())[:_TERM]


def _run_row(repository: str, run: Run) -> Row:
    return {
        "repository": repository,
        "id": run.id,
        "workflow": run.name or "",
        "title": run.display_title,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "branch": run.head_branch,
        "sha": run.head_sha,
        "short_sha": run.head_sha[:7],
        "attempt": run.run_attempt,
        "actor": run.actor.login if run.actor else "",
        "created_at": iso(run.created_at),
        "started_at": iso(run.run_started_at),
        "updated_at": iso(run.updated_at),
        "url": run.html_url,
    }


def _found_row(search: _Search, one: FoundIssue) -> Row:
    return {
        "repository": search.repository,
        "kind": "issue" if one.pull_request is None else "pull",
        "number": one.number,
        "title": one.title,
        "state": one.state,
        "labels": ", ".join(label.name for label in one.labels if label.name),
        "author": one.user.login if one.user else "",
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
        "closed_at": iso(one.closed_at),
        "merged_at": iso(one.pull_request.merged_at) if one.pull_request else None,
        "url": one.html_url,
        "matched_term": search.term,
    }
