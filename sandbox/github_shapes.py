"""GitHub's REST objects, made from a world's repositories; `url`s lead back to the sandbox, `html_url`s to example.com."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from sandbox.clock import stamp
from sandbox.world_billing import Commit, Deployment, DeploymentStatus, PullRequest, Release, Repository

Body = dict[str, JsonValue]
WEB = "https://github.example.com"


@dataclass(frozen=True, slots=True)
class Change:
    """A commit with the one before it on the default branch."""

    commit: Commit
    parent: str


@dataclass(frozen=True, slots=True)
class Shapes:
    """Builds the objects of one repository for callers at one address."""

    repository: str
    base: str
    now: datetime

    @property
    def api(self) -> str:
        """Where the repository's API paths start."""
        return f"{self.base}/repos/{self.repository}"

    @property
    def web(self) -> str:
        """Where a person finds the repository."""
        return f"{WEB}/{self.repository}"

    def at(self, offset: timedelta) -> str:
        """Write a moment."""
        return stamp(self.now + offset)

    def user(self, name: str) -> Body:
        """A user, by login or by name: a login has no spaces."""
        login = name.replace(" ", "-").lower()
        number = int(hashlib.sha256(login.encode()).hexdigest()[:7], 16)
        return {
            "login": login,
            "id": number,
            "node_id": f"U_{number}",
            "avatar_url": f"{WEB}/avatars/{number}",
            "url": f"{self.base}/users/{login}",
            "html_url": f"{WEB}/{login}",
            "type": "Bot" if login.endswith("[bot]") else "User",
            "site_admin": False,
        }

    def repo(self, repository: Repository) -> Body:
        """The repository itself."""
        owner, name = repository.name.split("/")
        number = int(hashlib.sha256(repository.name.encode()).hexdigest()[:7], 16)
        return {
            "id": number,
            "node_id": f"R_{number}",
            "name": name,
            "full_name": repository.name,
            "private": True,
            "owner": self.user(owner),
            "html_url": self.web,
            "description": repository.description or None,
            "fork": False,
            "url": self.api,
            "default_branch": repository.default_branch,
            "archived": False,
            "disabled": False,
            "visibility": "private",
            "created_at": self.at(timedelta(days=-900)),
            "updated_at": self.at(timedelta()),
            "pushed_at": self.at(timedelta()),
            "permissions": {"admin": False, "push": False, "pull": True},
        }

    def commit(self, change: Change) -> Body:
        """A commit as lists show it."""
        one = change.commit
        person: Body = {
            "name": one.author,
            "email": f"{one.author.replace(' ', '.').lower()}@users.example.com",
            "date": self.at(one.created),
        }
        parents: list[JsonValue] = []
        if change.parent:
            url = f"{self.api}/commits/{change.parent}"
            parents.append({"sha": change.parent, "url": url, "html_url": f"{self.web}/commit/{change.parent}"})
        return {
            "sha": one.sha,
            "node_id": f"C_{one.sha[:12]}",
            "commit": {
                "author": person,
                "committer": person,
                "message": one.message,
                "tree": {"sha": one.sha[::-1], "url": f"{self.api}/git/trees/{one.sha[::-1]}"},
                "url": f"{self.api}/git/commits/{one.sha}",
                "comment_count": 0,
                "verification": {
                    "verified": False,
                    "reason": "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": None,
                },
            },
            "url": f"{self.api}/commits/{one.sha}",
            "html_url": f"{self.web}/commit/{one.sha}",
            "comments_url": f"{self.api}/commits/{one.sha}/comments",
            "author": self.user(one.author),
            "committer": self.user(one.author),
            "parents": parents,
        }

    def whole_commit(self, change: Change) -> Body:
        """A commit with its files."""
        files = self.files(change.commit.files, change.commit.sha)
        stats: Body = {"additions": 8 * len(files), "deletions": 3 * len(files), "total": 11 * len(files)}
        return {**self.commit(change), "stats": stats, "files": list(files)}

    def files(self, paths: Iterable[str], sha: str) -> list[Body]:
        """Changed files; the world knows their paths only, so the sizes are made up."""
        return [
            {
                "sha": hashlib.sha1(f"{sha}{path}".encode(), usedforsecurity=False).hexdigest(),
                "filename": path,
                "status": "modified",
                "additions": 8,
                "deletions": 3,
                "changes": 11,
                "blob_url": f"{self.web}/blob/{sha}/{path}",
                "raw_url": f"{self.web}/raw/{sha}/{path}",
                "contents_url": f"{self.api}/contents/{path}?ref={sha}",
            }
            for path in paths
        ]

    def pull(self, one: PullRequest) -> Body:
        """A merged pull request."""
        url = f"{self.api}/pulls/{one.number}"
        labels: list[JsonValue] = [
            {
                "id": number,
                "name": name,
                "color": "ededed",
                "description": "",
                "default": False,
                "url": f"{self.api}/labels",
            }
            for number, name in enumerate(one.labels, 1)
        ]
        return {
            "url": url,
            "id": 10_000 + one.number,
            "node_id": f"PR_{one.number}",
            "html_url": f"{self.web}/pull/{one.number}",
            "issue_url": f"{self.api}/issues/{one.number}",
            "commits_url": f"{url}/commits",
            "statuses_url": f"{self.api}/statuses/{one.merge_sha}",
            "number": one.number,
            "state": "closed",
            "locked": False,
            "title": one.title,
            "user": self.user(one.author),
            "body": one.body or None,
            "labels": labels,
            "created_at": self.at(one.created),
            "updated_at": self.at(one.merged),
            "closed_at": self.at(one.merged),
            "merged_at": self.at(one.merged),
            "merge_commit_sha": one.merge_sha,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "draft": False,
            "head": {"label": f"topic-{one.number}", "ref": f"topic-{one.number}", "sha": one.merge_sha},
            "base": {"label": "main", "ref": "main", "sha": one.merge_sha},
            "author_association": "MEMBER",
        }

    def whole_pull(self, one: PullRequest) -> Body:
        """A pull request as asked for alone."""
        sizes: Body = {"commits": 1, "additions": 8 * len(one.files), "deletions": 3 * len(one.files)}
        merged: Body = {"merged": True, "mergeable": None, "merged_by": self.user(one.author)}
        return {**self.pull(one), **sizes, **merged, "changed_files": len(one.files), "comments": 0}

    def issue(self, one: PullRequest) -> Body:
        """A pull request as lists of issues show it."""
        found = self.found_issue(one)
        del found["score"]
        return found

    def found_issue(self, one: PullRequest) -> Body:
        """A pull request as the issue search shows it."""
        pull = self.pull(one)
        keys = ("id", "node_id", "number", "title", "user", "labels", "state", "created_at", "updated_at", "closed_at")
        url = f"{self.api}/issues/{one.number}"
        link: Body = {"url": pull["url"], "html_url": pull["html_url"], "merged_at": pull["merged_at"]}
        rest: Body = {
            "url": url,
            "html_url": pull["html_url"],
            "repository_url": self.api,
            "pull_request": link,
            "score": 1.0,
        }
        return {**{key: pull[key] for key in keys}, **rest, "body": pull["body"] or ""}

    def deployment(self, one: Deployment) -> Body:
        """A deployment; its state is in its statuses."""
        url = f"{self.api}/deployments/{one.id}"
        last = one.statuses[-1].created if one.statuses else one.created
        return {
            "url": url,
            "id": one.id,
            "node_id": f"DE_{one.id}",
            "sha": one.sha,
            "ref": one.ref,
            "task": "deploy",
            "payload": {},
            "original_environment": one.environment,
            "environment": one.environment,
            "description": one.description or None,
            "creator": self.user(one.creator),
            "created_at": self.at(one.created),
            "updated_at": self.at(last),
            "statuses_url": f"{url}/statuses",
            "repository_url": self.api,
            "transient_environment": False,
            "production_environment": one.environment == "production",
        }

    def status(self, one: Deployment, status: DeploymentStatus, number: int) -> Body:
        """One state of a deployment."""
        url = f"{self.api}/deployments/{one.id}"
        return {
            "url": f"{url}/statuses/{one.id * 100 + number}",
            "id": one.id * 100 + number,
            "node_id": f"DES_{one.id}_{number}",
            "state": status.state,
            "creator": self.user(one.creator),
            "description": status.description,
            "environment": one.environment,
            "target_url": "",
            "log_url": "",
            "environment_url": "",
            "created_at": self.at(status.created),
            "updated_at": self.at(status.created),
            "deployment_url": url,
            "repository_url": self.api,
        }

    def release(self, one: Release) -> Body:
        """A published release."""
        url = f"{self.api}/releases/{one.id}"
        return {
            "url": url,
            "html_url": f"{self.web}/releases/tag/{one.tag}",
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "id": one.id,
            "node_id": f"RE_{one.id}",
            "tag_name": one.tag,
            "target_commitish": one.sha,
            "name": one.name,
            "body": one.body,
            "draft": False,
            "prerelease": False,
            "created_at": self.at(one.published),
            "published_at": self.at(one.published),
            "author": self.user(one.author),
            "assets": [],
        }

    def run(self, one: Deployment) -> Body:
        """The workflow run that made a deployment."""
        url = f"{self.api}/actions/runs/{one.id}"
        state = one.statuses[-1].state if one.statuses else "pending"
        done = state in ("success", "failure", "error", "inactive")
        conclusion = "failure" if state in ("failure", "error") else "success"
        return {
            "id": one.id,
            "name": "Deploy",
            "node_id": f"WFR_{one.id}",
            "head_branch": one.ref,
            "head_sha": one.sha,
            "path": ".github/workflows/deploy.yml",
            "display_title": one.description or f"Deploy {one.sha[:7]}",
            "run_number": one.id % 10_000,
            "run_attempt": 1,
            "event": "push",
            "status": "completed" if done else "in_progress",
            "conclusion": conclusion if done else None,
            "workflow_id": 1,
            "url": url,
            "html_url": f"{self.web}/actions/runs/{one.id}",
            "pull_requests": [],
            "created_at": self.at(one.created),
            "updated_at": self.at(one.statuses[-1].created if one.statuses else one.created),
            "run_started_at": self.at(one.created),
            "actor": self.user(one.creator),
        }
