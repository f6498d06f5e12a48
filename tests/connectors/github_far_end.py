"""GitHub's far end for tests: its objects as the API writes them, a host that answers by path, and a connector that asks it."""

from datetime import timedelta

from pydantic import JsonValue

from connectors.github import GitHubConnector
from models.customer import Window
from models.evidence import Answer
from models.tenant import GitHubConfig
from models.vocabulary import Source
from tests.connectors.far_end import DAY, NOW, FarEnd, Handler, Reply, Seen, ask

TOKEN = "github_pat_SecretSecretSecret"
API = "acme/api"
WEB = "acme/web"


def stamp(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha(number: int) -> str:
    return f"{number:07x}" + "0" * 33


def a_deployment(url: str, number: int, hours: float, commit: int, repository: str = API) -> dict[str, JsonValue]:
    return {
        "id": number,
        "url": f"{url}/repos/{repository}/deployments/{number}",
        "sha": sha(commit),
        "ref": "main",
        "environment": "production",
        "description": None,
        "creator": {"login": "mona", "id": 1},
        "created_at": stamp(hours),
        "updated_at": stamp(hours),
    }


def a_status(number: int, state: str, hours: float) -> JsonValue:
    return {"id": number, "state": state, "created_at": stamp(hours), "updated_at": stamp(hours)}


def a_commit(url: str, number: int, message: str, *parents: int, hours: float = 1) -> JsonValue:
    who: JsonValue = {"name": "Mona", "email": "mona@example.com", "date": stamp(hours)}
    return {
        "sha": sha(number),
        "url": f"{url}/repos/{API}/commits/{sha(number)}",
        "html_url": f"https://github.example.com/{API}/commit/{sha(number)}",
        "commit": {"message": message, "author": who, "committer": who},
        "author": {"login": "mona", "id": 1},
        "parents": [{"sha": sha(parent), "url": f"{url}/x"} for parent in parents],
    }


def a_comparison(commits: list[JsonValue], *files: str, behind: int = 0) -> Reply:
    return Reply(
        {
            "url": "https://api.example.com/compare",
            "status": "ahead",
            "ahead_by": len(commits),
            "behind_by": behind,
            "total_commits": len(commits),
            "commits": commits,
            "files": [{"filename": name, "status": "modified", "sha": "x"} for name in files],
        }
    )


def a_pull(url: str, number: int, hours: float, merge: int | None, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "number": number,
        "url": f"{url}/repos/{API}/pulls/{number}",
        "title": f"Change {number}",
        "state": "closed",
        "html_url": f"https://github.example.com/{API}/pull/{number}",
        "user": {"login": "mona", "id": 1},
        "labels": [{"name": "bug"}, {"name": "api"}],
        "created_at": stamp(hours + 5),
        "updated_at": stamp(hours),
        "closed_at": stamp(hours),
        "merged_at": None if merge is None else stamp(hours),
        "merge_commit_sha": None if merge is None else sha(merge),
        **fields,
    }


class Host:
    """The code host: what it answers, by path below the repository."""

    def __init__(self, end: FarEnd) -> None:
        self.end = end
        self.answers: dict[str, Reply | Handler] = {}
        end.handler = self.handle

    def handle(self, seen: Seen) -> Reply:
        found = self.answers.get(seen.path.removeprefix("/repos/"))
        if found is None:
            return Reply({"message": "Not Found", "status": "404"}, status=404)
        return found if isinstance(found, Reply) else found(seen)

    def put(self, path: str, answer: JsonValue | Reply | Handler, repository: str = API) -> None:
        ready = answer if isinstance(answer, Reply) or callable(answer) else Reply(answer)
        self.answers[f"{repository}/{path}"] = ready

    @property
    def paths(self) -> list[str]:
        return [seen.path.removeprefix("/repos/") for seen in self.end.requests]


def connect(end: FarEnd, *repositories: str) -> GitHubConnector:
    config = {
        "url": end.url,
        "token": "env:GITHUB_TOKEN",
        "repositories": list(repositories) or [API],
        "web": "https://github.example.com",
    }
    return GitHubConnector(GitHubConfig.model_validate(config), TOKEN)


async def fetch(
    connector: GitHubConnector, operation: str, window: Window | None = DAY, rows: int = 200, **parameters: JsonValue
) -> Answer:
    return await connector.fetch(ask(Source.GITHUB, operation, parameters, window=window, rows=rows))


def two_deployments(host: Host) -> None:
    """The newer at 1 hour of commit 5, the older at 30 hours (outside of the window) of commit 2."""
    url = host.end.url
    host.put("deployments", [a_deployment(url, 12, 1, 5), a_deployment(url, 11, 30, 2)])
    host.put("deployments/12/statuses", [a_status(3, "success", 0.8), a_status(2, "in_progress", 0.9)])
    host.put("deployments/11/statuses", [a_status(1, "inactive", 0.8), a_status(0, "success", 29)])
    host.put("pulls", [a_pull(url, 71, 2, 4)])
    commits = [
        a_commit(url, 3, "Tidy the limiter (#70)\n\nLong story", 2),
        a_commit(url, 9, "A commit on a branch", 3),
        a_commit(url, 4, "Merge pull request #71 from acme/branch\n\nChange 71", 3, 9),
        a_commit(url, 5, "Bump version", 4),
    ]
    host.put(f"compare/{sha(2)}...{sha(5)}", a_comparison(commits, "limiter.py", "version.py"))


def failed(status: int, message: str, **headers: str) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"message": message, "documentation_url": "https://docs.example.com"}, status=status, headers=fields)
