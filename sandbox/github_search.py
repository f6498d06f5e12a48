"""GitHub's search for issues and pull requests: phrases and words of titles and bodies, and the qualifiers that matter."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.clock import read_stamp
from sandbox.world_billing import PullRequest

PART = re.compile(r'(?P<name>[a-z-]+):(?P<value>"[^"]*"|\S+)|"(?P<phrase>[^"]*)"|(?P<word>\S+)')
RANGES = ("created", "updated", "merged", "closed")
QUERY_CAP = 256
Span = tuple[datetime | None, datetime | None]


class Invalid(Exception):
    """A parameter is wrong: 422."""


@dataclass(slots=True)
class Query:
    """What a search asks for; a qualifier that is not known here is taken and ignored, as GitHub does with words of its own."""

    phrases: list[str] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    spans: dict[str, Span] = field(default_factory=dict)

    def holds(self, one: PullRequest, started: datetime) -> bool:
        """Whether a merged pull request is found; `started` is what its times count from."""
        if self.kinds & {"issue", "open", "unmerged"}:
            return False
        text = f"{one.title}\n{one.body}".casefold()
        moments = {"created": one.created, "updated": one.merged, "merged": one.merged, "closed": one.merged}
        return all(phrase in text for phrase in self.phrases) and all(
            within(started + moments[name], span) for name, span in self.spans.items()
        )

    def asks(self, repository: str) -> bool:
        """Whether a repository is searched."""
        return not self.repositories or repository.casefold() in self.repositories


def read_query(text: str) -> Query:
    """Read the `q` of a search.

    Raises:
        Invalid: it is empty, too long, or a range of times is none.
    """
    found = Query()
    if not text.strip():
        raise Invalid("q is missing")
    for match in PART.finditer(text):
        name, value = match["name"], (match["value"] or "").strip('"')
        if name == "repo":
            found.repositories.append(value.casefold())
        elif name in ("is", "type", "state"):
            found.kinds.add({"pr": "pull-request"}.get(value, value))
        elif name in RANGES:
            found.spans[name] = read_range(value)
        elif name is None:
            found.phrases.append((match["phrase"] or match["word"] or "").casefold())
    if sum(map(len, found.phrases)) > QUERY_CAP:
        raise Invalid(f"the search is longer than {QUERY_CAP} characters")
    return found


def read_range(text: str) -> Span:
    """Read `A..B`, `>=A`, `>A`, `<=B`, `<B`; days and times, `*` for open ends.

    Raises:
        Invalid: it is none.
    """
    if not text:
        return None, None
    left, dots, right = text.partition("..")
    if not dots:
        bound = text.lstrip("<>=")
        left, right = ("*", bound) if text.startswith("<") else (bound, "*") if text.startswith(">") else (bound, bound)
    try:
        return (
            None if left == "*" else read_stamp(left),
            None if right == "*" else read_stamp(right if len(right) > 10 else f"{right}T23:59:59"),
        )
    except ValueError:
        raise Invalid(f"{text} is no range of times") from None


def within(moment: datetime, span: Span) -> bool:
    """Whether a moment lies in a range, its ends included."""
    return (span[0] is None or moment >= span[0]) and (span[1] is None or moment <= span[1])
