"""What Stripe can be asked: one small model per operation."""

from typing import Annotated, Self

from pydantic import Field, model_validator

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


OPERATIONS: dict[str, type[Strict]] = {
    "find_customer": FindCustomer,
    "list_subscriptions": ListSubscriptions,
    "list_invoices": ListInvoices,
    "list_invoice_lines": ListInvoiceLines,
    "list_charges": ListCharges,
    "list_events": ListEvents,
    "list_cards": ListCards,
}
