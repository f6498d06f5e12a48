"""The part of Linear's GraphQL schema that the sandbox answers, in its own names."""

from collections.abc import Mapping

from sandbox.graphql import Field, Outline

PAGE = frozenset({"first", "after", "last", "before", "filter", "includeArchived", "orderBy"})

ISSUE: Mapping[str, Field] = {
    **dict.fromkeys(
        (
            *("id", "identifier", "number", "title", "description", "url", "priority", "priorityLabel", "estimate"),
            *(
                "branchName",
                "createdAt",
                "updatedAt",
                "completedAt",
                "canceledAt",
                "startedAt",
                "archivedAt",
                "dueDate",
            ),
            *("trashed", "labelIds", "previousIdentifiers", "customerTicketCount"),
        ),
        Field(),
    ),
    "state": Field("WorkflowState"),
    "team": Field("Team"),
    "assignee": Field("User"),
    "creator": Field("User"),
    "project": Field("Project"),
    "cycle": Field("Cycle"),
    "labels": Field("IssueLabelConnection", arguments=PAGE),
    "comments": Field("CommentConnection", arguments=PAGE),
    "attachments": Field("AttachmentConnection", arguments=PAGE),
    "relations": Field("IssueRelationConnection", arguments=PAGE),
    "inverseRelations": Field("IssueRelationConnection", arguments=PAGE),
}
OUTLINE: Outline = {
    "Query": {
        "searchIssues": Field(
            "IssueSearchPayload",
            arguments=PAGE | {"includeComments", "teamId", "snippetSize"},
            required=frozenset({"term"}),
        ),
        "issues": Field("IssueConnection", arguments=PAGE | {"sort"}),
        "issue": Field("Issue", required=frozenset({"id"})),
        "viewer": Field("User"),
        "organization": Field("Organization"),
        "teams": Field("TeamConnection", arguments=PAGE),
        "rateLimitStatus": Field("RateLimitPayload"),
    },
    "Issue": ISSUE,
    "IssueSearchResult": {**ISSUE, "metadata": Field()},
    "IssueSearchPayload": {
        "nodes": Field("IssueSearchResult", True),
        "pageInfo": Field("PageInfo"),
        "totalCount": Field(),
    },
    "PageInfo": dict.fromkeys(("hasNextPage", "hasPreviousPage", "startCursor", "endCursor"), Field()),
    "WorkflowState": dict.fromkeys(("id", "name", "type", "color", "position"), Field()),
    "Team": dict.fromkeys(("id", "key", "name"), Field()),
    "User": dict.fromkeys(("id", "name", "displayName", "email", "active", "admin", "guest"), Field()),
    "Project": dict.fromkeys(("id", "name", "url", "targetDate"), Field()),
    "Cycle": dict.fromkeys(("id", "number", "name", "startsAt", "endsAt"), Field()),
    "IssueLabel": dict.fromkeys(("id", "name", "color"), Field()),
    "Comment": {**dict.fromkeys(("id", "body", "createdAt", "url"), Field()), "user": Field("User")},
    "Attachment": dict.fromkeys(("id", "title", "subtitle", "url", "sourceType", "createdAt", "metadata"), Field()),
    "IssueRelation": {"id": Field(), "type": Field(), "issue": Field("Issue"), "relatedIssue": Field("Issue")},
    "Organization": dict.fromkeys(("id", "name", "urlKey"), Field()),
    "RateLimitPayload": {"kind": Field(), "identifier": Field(), "limits": Field("RateLimitResult", True)},
    "RateLimitResult": dict.fromkeys(
        ("type", "requestedAmount", "allowedAmount", "remainingAmount", "period", "reset"), Field()
    ),
    **{
        f"{kind}Connection": {
            "nodes": Field(kind, True),
            "edges": Field(f"{kind}Edge", True),
            "pageInfo": Field("PageInfo"),
        }
        for kind in ("Issue", "IssueLabel", "Comment", "Attachment", "IssueRelation", "Team")
    },
    **{
        f"{kind}Edge": {"node": Field(kind), "cursor": Field()}
        for kind in ("Issue", "IssueLabel", "Comment", "Attachment", "IssueRelation", "Team")
    },
}
