"""GitHub, read-only: deployments and what each brought, changes, releases, pull requests, workflow runs and mentions.

A fine-grained token or a GitHub App needs Read on metadata, contents, deployments, pull requests, issues and actions of the
configured repositories (docs/github.md).
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import github
import httpx
from github.GithubException import BadAttributeException

from connectors.answers import answer, no_answer, time_limit
from connectors.base import Finding, Plugin, Secrets, Unavailable
from connectors.github_auth import AppIdentity, GivenToken, Identity
from connectors.github_client import GUARD, Question, question_at_hand, read_failure
from connectors.github_deployments import Enrichment
from connectors.github_examine import Examination
from connectors.github_parameters import (
    OPERATIONS,
    Asked,
    ListChanges,
    ListCommits,
    ListDeployments,
    ListPulls,
    ListReleases,
    ListWorkflowRuns,
    SearchMentions,
)
from connectors.github_reads import (
    EVER,
    Deployments,
    Rows,
    list_changes,
    list_commits,
    list_deployments,
    list_pulls,
    list_releases,
)
from connectors.github_search import Rest, list_workflow_runs, search_mentions
from connectors.http import Declined, ReadOnlyHttp, SchemaDrift, network_of
from connectors.parameters import ask_together, read_parameters
from models.base import Row
from models.evidence import Answer, SourceRequest
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus, Scope, Source

T = TypeVar("T")

_THREADS = 8
_STEP = 60.0
"""Seconds for one step of a request; the question's own limit is what counts."""
_PAGES: dict[type[Asked], tuple[str, str]] = {
    ListChanges: ("commits", "committed_at"),
    ListCommits: ("commits", "committed_at"),
    ListReleases: ("releases", "published_at"),
    ListPulls: ("pulls", "merged_at"),
    ListWorkflowRuns: ("actions", "created_at"),
}
"""Question to the page that shows the same to a person, and the column that its rows are ordered by."""


class _Part(NamedTuple):
    """What one repository gave: something, or the reason why not."""

    found: Deployments | Rows | None
    problem: Declined | None = None


class _Asking(NamedTuple):
    """One question with what it is asked with."""

    request: SourceRequest
    repositories: list[str]
    question: Question
    token: str
    http: ReadOnlyHttp

    @property
    def rest(self) -> Rest:
        return Rest(self.http, self.token, self.question.sent)


class GitHubConnector:
    """The configured repositories by one token or App, over one pooled client."""

    source = Source.GITHUB

    def __init__(
        self, config: GitHubConfig, credential: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open no connection yet. To be closed: it holds the process's guard.

        Args:
            config: Names the repositories, and which of token and App the credential belongs to.
            credential: The token, or the App's private key (PEM).
            transport: Replaces the network in tests.
        """
        self._config = config
        self._url = str(config.url).rstrip("/")
        self._web = str(config.web).rstrip("/")
        self._repositories = config.all_repositories
        self._identity: Identity = AppIdentity(config.app, credential) if config.app else GivenToken(credential)
        self._http = ReadOnlyHttp(
            self._url, timeout=_STEP, transport=transport, posts=self._identity.posts, network=network_of(config)
        )
        # Threads of our own: the event loop's default pool has few, and others wait in them too.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="github")
        self._open = True
        GUARD.hold()

    def client(self, token: str) -> github.Github:
        """Return the SDK's client for one thread; it reads only, and only from within `fetch`."""
        return GUARD.make_client(self._url, token)

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask GitHub; the asked repositories must be among the configured ones.

        A repository that cannot be read leaves the answer incomplete (`truncated`, with the reason).

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation, parameter, repository or service.
        """
        parameters = read_parameters(request, OPERATIONS)
        assert isinstance(parameters, Asked)
        repositories = self._asked(parameters)
        question = Question(self._http, self._url)
        at_hand = question_at_hand.set(question)
        try:
            async with time_limit(request):
                asking = _Asking(request, repositories, question, await self._identity.token(self._http), self._http)
                return await self._answered(asking, parameters)
        except Declined as no:
            if no.http_status == 401 and self._identity.refused():
                raise Unavailable(
                    "GitHub refuses the token that it gave the App; the next try makes a new one"
                ) from None
            return no_answer(no.status, no.reason, asked="\n".join(question.sent), url=self._web)
        finally:
            question_at_hand.reset(at_hand)
            question.close()

    async def examine(self) -> list[Finding]:
        """Look at reach, key, rights, repositories and limits with a few cheap reads."""
        return await Examination(self._config, self._identity, self._http).findings()

    async def aclose(self) -> None:
        """Close all connections and let the threads go."""
        if self._open:
            self._open = False
            GUARD.release()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._http.aclose()

    def _asked(self, wanted: Asked) -> list[str]:
        if not wanted.repositories and not wanted.services:
            return self._repositories
        configured = {name.casefold(): name for name in self._repositories}
        names = list(wanted.repositories or [])
        for name in names:
            if name.casefold() not in configured:
                raise ValueError(f"{name!r} is not a configured repository; those are {', '.join(self._repositories)}")
        for service in wanted.services or []:
            if service not in self._config.services:
                known = ", ".join(self._config.services) or "none"
                raise ValueError(f"{service!r} is not a service of the configuration; those are {known}")
            names += self._config.services[service]
        return list(dict.fromkeys(configured[name.casefold()] for name in names))

    async def _answered(self, asking: _Asking, wanted: Asked) -> Answer:
        if isinstance(wanted, ListDeployments):
            return await self._deployments(asking)
        if isinstance(wanted, SearchMentions):
            return await self._mentions(asking, wanted)
        return await self._listed(asking, wanted)

    async def _listed(self, asking: _Asking, wanted: Asked) -> Answer:
        if isinstance(wanted, ListChanges) and len(asking.repositories) != 1:
            raise ValueError(
                f"'list_changes' compares within one repository; name one of {', '.join(asking.repositories)}"
            )
        request = asking.request
        window, limit = request.window or EVER, request.row_limit

        def read(client: github.Github, repository: str) -> Rows:
            match wanted:
                case ListChanges():
                    return list_changes(client, repository, wanted.base, wanted.head, limit)
                case ListReleases():
                    return list_releases(client, repository, window, limit)
                case ListPulls():
                    return list_pulls(client, repository, wanted.state, window, limit)
                case _:
                    return list_commits(client, repository, window, limit)

        async def read_one(repository: str) -> Rows:
            if isinstance(wanted, ListWorkflowRuns):
                return await list_workflow_runs(asking.rest, repository, wanted, window, limit)
            return await self._in_thread(asking.token, lambda client: read(client, repository))

        parts = await ask_together(_part(read_one(repository), repository) for repository in asking.repositories)
        page, moment = _PAGES[type(wanted)]
        found = [part.found for part in parts if isinstance(part.found, Rows)]
        rows = sorted(
            (row for rows in found for row in rows.rows), key=lambda row: str(row[moment] or ""), reverse=True
        )
        url = f"{self._web}/{rows[0]['repository'] if rows else asking.repositories[0]}/{page}"
        return self._answer(asking, rows, url, parts, truncated=any(rows.truncated for rows in found))

    async def _deployments(self, asking: _Asking) -> Answer:
        request = asking.request
        window = request.window or EVER

        async def in_thread(read: Callable[[github.Github], T]) -> T:
            return await self._in_thread(asking.token, read)

        async def read_one(repository: str) -> Deployments:
            return await in_thread(
                lambda client: list_deployments(client, repository, self._config.environment, window, request.row_limit)
            )

        parts = await ask_together(_part(read_one(repository), repository) for repository in asking.repositories)
        found = [part.found for part in parts if isinstance(part.found, Deployments)]
        enriched = await Enrichment(in_thread).rows(found, request.row_limit)
        rows = [{**row, "url": self._page(row["repository"])} for row in enriched.rows]
        url = self._page(rows[0]["repository"] if rows else asking.repositories[0])
        return self._answer(asking, rows, url, parts, truncated=enriched.truncated, remarks=enriched.problems)

    async def _mentions(self, asking: _Asking, wanted: SearchMentions) -> Answer:
        found = await search_mentions(asking.rest, asking.repositories, wanted, asking.request.row_limit)
        url = f"{self._web}/search?q={quote(wanted.terms[0])}&type=issues"
        remarks = found.remarks
        return self._answer(asking, found.rows, url, [], truncated=bool(remarks), remarks=remarks, total=found.total)

    async def _in_thread(self, token: str, read: Callable[[github.Github], T]) -> T:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, self._read, token, read)

    def _read(self, token: str, read: Callable[[github.Github], T]) -> T:
        try:
            return read(self.client(token))
        except github.GithubException as error:
            raise read_failure(error) from None
        except BadAttributeException:
            raise SchemaDrift("an answer has a value of another type than PyGithub knows") from None
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
            # PyGithub fails in as many ways as an answer can be wrong.
            raise SchemaDrift(f"an answer has a shape that PyGithub does not know ({type(error).__name__})") from None

    def _page(self, repository: object) -> str:
        return f"{self._web}/{repository}/deployments/{quote(self._config.environment, safe='')}"

    def _answer(
        self,
        asking: _Asking,
        rows: Iterable[Row],
        url: str,
        parts: Iterable[_Part],
        *,
        truncated: bool,
        remarks: Iterable[str] = (),
        total: int | None = None,
    ) -> Answer:
        problems = [part.problem for part in parts if part.problem]
        asked = "\n".join(asking.question.sent)
        reason = "; ".join([problem.reason for problem in problems] + list(remarks))
        told = [{**row, "service": self._service(row["repository"])} for row in rows]
        if problems and not told:
            worst = next((one for one in problems if one.status is EvidenceStatus.DENIED), problems[0])
            raise Declined(worst.status, reason, http_status=worst.http_status)
        partial = truncated or bool(problems)
        return answer(asking.request, told, asked=asked, url=url, total=total, truncated=partial, reason=reason)

    def _service(self, repository: object) -> str:
        wanted = str(repository).casefold()
        services = self._config.services.items()
        return ", ".join(name for name, names in services if wanted in {one.casefold() for one in names})


async def _part(read: Awaitable[Deployments | Rows], repository: str) -> _Part:
    try:
        return _Part(await read)
    except Declined as no:
        moved = "it was renamed or moved; configure its new name" if 300 <= no.http_status < 400 else no.reason
        return _Part(None, Declined(no.status, f"{repository}: {moved}", http_status=no.http_status))


def _make(config: GitHubConfig, secret: Secrets) -> GitHubConnector:
    return GitHubConnector(config, secret(config.credential))


PLUGIN = Plugin(
    config=GitHubConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=OPERATIONS,
)
