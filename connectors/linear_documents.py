"""Every GraphQL document that may be sent to Linear. All are queries; the transport sends no other text."""

_ISSUE = """
      identifier title description url priority priorityLabel createdAt updatedAt completedAt canceledAt
      state { name type } team { key } labels(first: 20) { nodes { name } }
      attachments(first: 20) { nodes { url } }"""

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

ISSUE = (
    """query Issue($id: String!) {
  issue(id: $id) {"""
    + _ISSUE
    + """
  }
}"""
)
"""One issue by its id or identifier, such as `ENG-123`."""

DOCUMENTS = {"SearchIssues": SEARCH_ISSUES, "Issue": ISSUE}
"""Operation name to document."""
