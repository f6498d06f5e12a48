"""What each source can be asked, with the parameters and the columns of its answer."""

from dataclasses import dataclass

from models.vocabulary import Scope, Source


@dataclass(frozen=True)
class Operation:
    """One question that a connector knows."""

    parameters: frozenset[str]
    columns: frozenset[str]
    required: frozenset[str] = frozenset()


def _operation(parameters: str, columns: str) -> Operation:
    """Read two lists of words; a parameter with a star is required."""
    names = parameters.split()
    return Operation(
        frozenset(name.rstrip("*") for name in names),
        frozenset(columns.split()),
        frozenset(name.rstrip("*") for name in names if name.endswith("*")),
    )


_ISSUE = (
    "identifier title url priority priority_label state state_type labels team created_at updated_at completed_at canceled_at "
    "description fix_urls matched_term"
)
_INVOICE = (
    "id number status billing_reason currency subtotal tax total amount_due amount_paid attempt_count period_start period_end "
    "created_at due_at url"
)
OPERATIONS: dict[Source, dict[str, Operation]] = {
    Source.LINEAR: {
        "search_issues": _operation("terms* state_types labels updated_since", _ISSUE),
        "get_issue": _operation("id*", _ISSUE),
    },
    Source.STRIPE: {
        "find_customer": _operation("customer_id email", "id name email customer_id currency delinquent created_at"),
        "list_subscriptions": _operation(
            "billing_id*",
            "id status product price_id nickname unit_amount currency quantity interval current_period_start current_period_end "
            "cancel_at created_at",
        ),
        "list_invoices": _operation("billing_id*", _INVOICE),
        "list_invoice_lines": _operation(
            "billing_id* invoice",
            "invoice number line_id description quantity unit_amount amount currency proration price_id meter period_start "
            "period_end",
        ),
        "list_charges": _operation(
            "billing_id*",
            "id status amount currency failure_code decline_code failure_message card_brand card_last4 card_exp_month "
            "card_exp_year invoice created_at",
        ),
        "list_events": _operation("billing_id* types*", "id type object_id created_at summary"),
        "list_cards": _operation("billing_id*", "id brand last4 exp_month exp_year is_default expired"),
    },
    Source.GITHUB: {
        "list_deployments": _operation(
            "repositories",
            "id repository sha short_sha ref environment description creator state created_at finished_at url changes pulls "
            "files",
        ),
        "list_commits": _operation("repositories", "repository sha short_sha subject author committed_at url"),
        "list_releases": _operation("repositories", "repository tag name created_at published_at url body"),
        "list_pulls": _operation("repositories state", "repository number title merged_at url labels author"),
    },
    Source.DOCS: {"search": _operation("terms* synonyms limit", "title heading path url excerpt score updated_at")},
    Source.STATUSPAGE: {
        "list_incidents": _operation(
            "upstream pages",
            "page upstream id name status impact components created_at updated_at resolved_at url last_update",
        ),
        "list_components": _operation("upstream", "page upstream id name group status updated_at url"),
        "list_maintenances": _operation("", "page upstream id name status impact scheduled_for scheduled_until url"),
    },
}
SCOPES = {
    Source.CLICKHOUSE: frozenset({Scope.CUSTOMER, Scope.FLEET}),
    Source.STRIPE: frozenset({Scope.CUSTOMER}),
    Source.LINEAR: frozenset({Scope.SHARED}),
    Source.GITHUB: frozenset({Scope.SHARED}),
    Source.DOCS: frozenset({Scope.SHARED}),
    Source.STATUSPAGE: frozenset({Scope.SHARED}),
}
"""Which scopes a source's questions may have."""
