"""What each repository of a world holds, in the order in which GitHub lists it."""

from collections import defaultdict
from dataclasses import dataclass, field

from sandbox.github_shapes import Change
from sandbox.world_billing import Commit, Deployment, DeploymentsFile, PullRequest, Release, Repository


@dataclass(slots=True)
class Repo:
    """What one repository holds, each list newest first."""

    about: Repository
    changes: list[Change] = field(default_factory=list)
    pulls: list[PullRequest] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)

    def change(self, ref: str) -> Change | None:
        """Find a commit by sha, its beginning, a branch or a tag."""
        if ref in (self.about.default_branch, "HEAD"):
            return self.changes[0] if self.changes else None
        tagged = next((one.sha for one in self.releases if one.tag == ref), ref)
        if len(tagged) < 7:
            return None
        return next((one for one in self.changes if one.commit.sha.startswith(tagged)), None)


def index(data: DeploymentsFile) -> dict[str, Repo]:
    """Sort a world's code by repository."""
    repos = {one.name: Repo(one) for one in data.repositories}
    commits: dict[str, dict[str, Commit]] = defaultdict(dict)
    for commit in data.commits:
        commits[commit.repository][commit.sha] = commit
    for pull in data.pulls:
        # A pull request whose merge commit the world leaves out has one all the same.
        made = Commit(
            repository=pull.repository,
            sha=pull.merge_sha,
            message=f"{pull.title} (#{pull.number})",
            author=pull.author,
            created=pull.merged,
            files=pull.files,
        )
        commits[pull.repository].setdefault(pull.merge_sha, made)
    for name, repo in repos.items():
        ordered = sorted(commits[name].values(), key=lambda one: one.created)
        parents = ["", *(one.sha for one in ordered)]
        repo.changes = [Change(one, parent) for one, parent in zip(ordered, parents, strict=False)][::-1]
        repo.pulls = sorted((one for one in data.pulls if one.repository == name), key=lambda one: one.merged)[::-1]
        repo.deployments = sorted(
            (one for one in data.deployments if one.repository == name), key=lambda one: (one.created, one.id)
        )[::-1]
        repo.releases = sorted((one for one in data.releases if one.repository == name), key=lambda one: one.published)[
            ::-1
        ]
    return repos
