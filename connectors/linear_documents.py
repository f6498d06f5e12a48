"""Every GraphQL document that may be sent to Linear. All are queries; the transport sends no other text.

Linear counts a tenth of a point for each field and a point for each object, times `first` of a list, and takes 10,000 points
for one query: an issue is below 80 points, so a page of 50 is below half of that.
"""

_ISSUE = """
      identifier title description url priority priorityLabel dueDate createdAt updatedAt completedAt canceledAt
      state { name type } team { key } cycle { endsAt } project { targetDate } labels(first: 20) { nodes { name } }
      attachments(first: 20) { nodes { url sourceType } pageInfo { hasNextPage } }"""

SEARCH_ISSUES = (
    """query SearchIssues($term: String!, $first: Int!, $after: String, $filter: IssueFilter) {
  searchIssues(
    term: $term, first: $first, after: $after, filter: $filter, includeComments: true, includeArchived: false
  ) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {"""
    + _ISSUE
    + """
    }
  }
}"""
)
"""Full text and meaning, best match first; 30 a minute."""

ISSUES = (
    """query Issues($first: Int!, $after: String, $filter: IssueFilter) {
  issues(first: $first, after: $after, filter: $filter, orderBy: updatedAt) {
    pageInfo { hasNextPage endCursor }
    nodes {"""
    + _ISSUE
    + """
    }
  }
}"""
)
"""By filter alone, the last touched first."""

ISSUE = (
    """query Issue($id: String!) {
  issue(id: $id) {"""
    + _ISSUE
    + """
  }
}"""
)
"""One issue by its id or identifier, such as `ENG-123`."""

WHO = """query Who {
  viewer { admin guest }
  organization { urlKey }
}"""
"""Whose key it is: neither names nor addresses of people are asked for."""

TEAMS = """query Teams($filter: TeamFilter) {
  teams(first: 50, filter: $filter) { nodes { key } }
}"""
"""Teams that the key can see."""

LIMITS = """query Limits {
  rateLimitStatus { limits { type allowedAmount remainingAmount reset } }
}"""
"""What is left of the key's allowances; Linear counts this query too."""

DOCUMENTS = {
    "SearchIssues": SEARCH_ISSUES,
    "Issues": ISSUES,
    "Issue": ISSUE,
    "Who": WHO,
    "Teams": TEAMS,
    "Limits": LIMITS,
}
"""Operation name to document."""
