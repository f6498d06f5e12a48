"""What Stripe can be asked: one small model per operation."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from connectors.base import Operation, operation
from connectors.parameters import TextList
from models.base import Strict


class FindCustomer(Strict):
    """By our own id in the metadata; by e-mail where that finds nothing."""

    customer_id: str = ""
    email: str = ""

    @model_validator(mode="after")
    def _names_someone(self) -> Self:
        if not self.customer_id and not self.email:
            raise ValueError("give customer_id or email")
        return self


BillingId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
"""The id at Stripe, `cus_…`; it becomes part of a path."""


class ListSubscriptions(Strict):
    """One row per item, canceled ones too."""

    billing_id: BillingId


class ListInvoices(Strict):
    """Those created in the window."""

    billing_id: BillingId


class ListInvoiceLines(Strict):
    """Of one invoice of that customer, by number or id; of all in the window if none is named."""

    billing_id: BillingId
    invoice: str = ""


class ListCharges(Strict):
    """Those created in the window."""

    billing_id: BillingId


class ListEvents(Strict):
    """Those of the window that are about the customer or something of theirs."""

    billing_id: BillingId
    types: Annotated[TextList, Field(min_length=1, max_length=20)]


class ListCards(Strict):
    """Those on file."""

    billing_id: BillingId


class ListFailedPayments(Strict):
    """Those of the window, with their decline codes."""

    billing_id: BillingId


class ListDisputes(Strict):
    """Those opened in the window."""

    billing_id: BillingId


class ListPlanChanges(Strict):
    """Those of the window, of price and of quantity."""

    billing_id: BillingId


class GetCredit(Strict):
    """What stands to the customer's credit; of credit notes those of the window."""

    billing_id: BillingId


class ListUsage(Strict):
    """By meter and UTC day; of one meter if its event name or id is given, else of all."""

    billing_id: BillingId
    meter: str = ""


_CHARGE = (
    "id status amount currency failure_code decline_code failure_message card_brand card_last4 card_exp_month "
    "card_exp_year invoice created_at"
)

OPERATIONS: dict[str, Operation] = {
    "find_customer": operation(
        FindCustomer,
        "id name email customer_id currency delinquent created_at matched_by ambiguous",
    ),
    "list_subscriptions": operation(
        ListSubscriptions,
        "id status product price_id nickname unit_amount currency quantity interval current_period_start "
        "current_period_end cancel_at created_at",
    ),
    "list_invoices": operation(
        ListInvoices,
        "id number status billing_reason currency subtotal tax total amount_due amount_paid attempt_count "
        "period_start period_end created_at due_at url",
    ),
    "list_invoice_lines": operation(
        ListInvoiceLines,
        "invoice number line_id description quantity unit_amount amount currency proration price_id meter "
        "period_start period_end",
    ),
    "list_charges": operation(ListCharges, _CHARGE),
    "list_failed_payments": operation(
        ListFailedPayments,
        f"{_CHARGE} network_decline_code advice_code outcome_type",
    ),
    "list_disputes": operation(
        ListDisputes,
        "id status reason amount currency charge evidence_due_at refundable created_at",
    ),
    "list_plan_changes": operation(
        ListPlanChanges,
        "event at subscription item change from_price from_nickname from_unit_amount from_interval from_quantity "
        "to_price to_nickname to_unit_amount to_interval to_quantity currency proration proration_amount",
    ),
    "get_credit": operation(
        GetCredit,
        "kind id number credit currency status reason invoice created_at",
    ),
    "list_usage": operation(
        ListUsage,
        "meter meter_id title formula day value start end",
    ),
    "list_events": operation(
        ListEvents,
        "id type object_id created_at summary",
    ),
    "list_cards": operation(
        ListCards,
        "id brand last4 exp_month exp_year is_default expired",
    ),
}
