"""Linear's issues as its API shows them, made from a world, and lists in pages."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from pydantic import JsonValue

from sandbox.clock import stamp_millis
from sandbox.graphql import Arguments, GraphqlError
from sandbox.linear_filter import Facet, words
from sandbox.world import Issue

NAMESPACE = uuid.UUID("6b1f2d0a-62a5-4e1c-9c3b-0a4b6a0f7c11")
CYCLE = timedelta(days=14)
PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")


@dataclass(slots=True)
class Indexed:
    """An issue with what queries look at."""

    node: dict[str, object]
    facets: Mapping[str, Facet]
    created: str
    updated: str
    title: list[str]
    rest: list[str]
    comments: list[str]


def index(issue: Issue, now: datetime, team: dict[str, str]) -> Indexed:
    """Make an issue what queries look at; `now` is what the world's times count from."""
    created, updated = stamp_millis(now + issue.created), stamp_millis(now + issue.updated)
    completed = stamp_millis(now + issue.completed) if issue.completed is not None else None
    canceled = stamp_millis(now + issue.canceled) if issue.canceled is not None else None
    state: dict[str, JsonValue] = {
        "id": make_id(f"state {issue.team} {issue.state}"),
        "name": issue.state,
        "type": issue.state_type,
        "color": "#95a2b3",
        "position": 0,
    }
    labels: list[dict[str, JsonValue]] = [
        {"id": make_id(f"label {name}"), "name": name, "color": "#bec2c8"} for name in issue.labels
    ]
    attachments: list[dict[str, JsonValue]] = [
        {
            "id": make_id(f"attachment {issue.id} {attachment.url}"),
            "title": attachment.title,
            "subtitle": None,
            "url": attachment.url,
            "sourceType": attachment.source_type,
            "createdAt": created,
            "metadata": {},
        }
        for attachment in issue.attachments
    ]
    comments: list[Mapping[str, object]] = [
        {
            "id": make_id(f"comment {issue.id} {number}"),
            "body": comment.body,
            "createdAt": stamp_millis(now + comment.created),
            "url": f"https://linear.example.com/issue/{issue.id}#comment-{number}",
            "user": user(comment.author),
        }
        for number, comment in enumerate(issue.comments, 1)
    ]
    cycle: dict[str, JsonValue] | None = None
    if issue.cycle_ends is not None:
        ends = now + issue.cycle_ends
        cycle = {
            "id": make_id(f"cycle {issue.team} {ends:%Y-%m-%d}"),
            "number": float(ends.isocalendar().week),
            "name": None,
            "startsAt": stamp_millis(ends - CYCLE),
            "endsAt": stamp_millis(ends),
        }
    project: dict[str, JsonValue] | None = None
    if issue.project:
        project = {
            "id": make_id(f"project {issue.project}"),
            "name": issue.project,
            "url": f"https://linear.example.com/project/{make_id(issue.project)[:8]}",
            "targetDate": day(now, issue.project_target),
        }
    slug = re.sub(r"[^a-z0-9]+", "-", issue.title.casefold()).strip("-")[:60]
    scalars: dict[str, JsonValue] = {
        "id": make_id(issue.id),
        "identifier": issue.id,
        "number": int(issue.id.rpartition("-")[2]),
        "title": issue.title,
        "description": issue.description,
        "url": f"https://linear.example.com/issue/{issue.id}/{slug}",
        "priority": issue.priority,
        "priorityLabel": PRIORITIES[issue.priority],
        "branchName": f"{issue.id.lower()}-{slug}",
        "createdAt": created,
        "updatedAt": updated,
        "completedAt": completed,
        "canceledAt": canceled,
        "startedAt": created if issue.state_type == "started" else None,
        "dueDate": day(now, issue.due),
        "trashed": None,
        "labelIds": [label["id"] for label in labels],
        "previousIdentifiers": [],
        "customerTicketCount": 0,
    }
    node: dict[str, object] = {
        **scalars,
        "state": state,
        "team": team,
        "assignee": user(issue.assignee) if issue.assignee else None,
        "cycle": cycle,
        "project": project,
        "labels": paged(labels),
        "comments": paged(comments),
        "attachments": paged(attachments),
    }
    facets: dict[str, Facet] = {
        **{name: scalars[name] for name in ("id", "number", "title", "description", "priority")},
        **{name: scalars[name] for name in ("createdAt", "updatedAt", "completedAt", "canceledAt", "startedAt")},
        "dueDate": scalars["dueDate"],
        "cycle": cast(Facet, cycle),
        "project": cast(Facet, project),
        "state": cast(Facet, state),
        "team": cast(Facet, team),
        "labels": cast(Facet, labels),
        "attachments": cast(Facet, attachments),
        "assignee": cast(Facet, user(issue.assignee)) if issue.assignee else None,
        "searchableContent": f"{issue.title}\n{issue.description}",
    }
    return Indexed(
        node,
        facets,
        created,
        updated,
        title=words(f"{issue.id} {issue.title}"),
        rest=words(f"{issue.description} {' '.join(issue.labels)}"),
        comments=words(" ".join(comment.body for comment in issue.comments)),
    )


def paged(members: list[dict[str, JsonValue]] | list[Mapping[str, object]]) -> object:
    """Return what answers a list's field: a function of its arguments."""
    return lambda arguments: connection(members, arguments, [str(member["id"]) for member in members])


def connection(
    nodes: list[dict[str, JsonValue]] | list[Mapping[str, object]] | list[dict[str, object]] | list[dict[str, str]],
    arguments: Arguments,
    cursors: list[str],
) -> dict[str, object]:
    """Return one page of a list.

    Raises:
        GraphqlError: a size or a cursor that cannot be.
    """
    first = arguments.get("first")
    size = first if isinstance(first, int) else 50
    if not 1 <= size <= 250:
        raise GraphqlError("Argument Validation Error: first must be between 1 and 250", "INPUT_ERROR")
    after = arguments.get("after")
    if after is not None and after not in cursors:
        raise GraphqlError("Argument Validation Error: after must be a cursor of this list", "INPUT_ERROR")
    start = cursors.index(str(after)) + 1 if after is not None else 0
    page = nodes[start : start + size]
    held = cursors[start : start + size]
    return {
        "nodes": page,
        "edges": [{"node": node, "cursor": cursor} for node, cursor in zip(page, held, strict=True)],
        "pageInfo": {
            "hasNextPage": start + size < len(nodes),
            "hasPreviousPage": start > 0,
            "startCursor": held[0] if held else None,
            "endCursor": held[-1] if held else None,
        },
    }


def day(now: datetime, offset: timedelta | None) -> str | None:
    """Write a day, as Linear's TimelessDate."""
    return f"{now + offset:%Y-%m-%d}" if offset is not None else None


def user(name: str) -> dict[str, JsonValue]:
    """A person of the workspace."""
    handle = name.casefold().replace(" ", ".")
    return {
        "id": make_id(f"user {name}"),
        "name": name,
        "displayName": handle,
        "email": f"{handle}@example.com",
        "active": True,
    }


def make_id(seed: str) -> str:
    """The id of a thing, the same in every run."""
    return str(uuid.uuid5(NAMESPACE, seed))
