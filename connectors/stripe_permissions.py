"""What a restricted key must allow: Stripe's names of its permissions, the dashboard's, and what each is read for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """One row of the dashboard's form, to be set to Read."""

    token: str
    """As Stripe's errors name it; empty where it publishes none for restricted keys."""
    row: str
    """As the dashboard calls it."""
    operations: str
    """What it is read for, with commas between."""
    essential: bool = True
    """Whether the playbooks that come with the product ask for it."""


CUSTOMERS = Permission("rak_customer_read", "Customers", "find_customer, get_credit, list_cards")
PAYMENT_METHODS = Permission("rak_payment_method_read", "Payment Methods", "list_cards")
SUBSCRIPTIONS = Permission("rak_subscription_read", "Subscriptions", "list_subscriptions")
PRICES = Permission("rak_plan_read", "Prices", "list_subscriptions, list_invoice_lines")
INVOICES = Permission(
    "rak_invoice_read",
    "Invoices",
    "list_invoices, list_invoice_lines, list_charges, list_failed_payments, list_plan_changes",
)
CHARGES = Permission("rak_charge_read", "Charges and Refunds", "list_charges, list_failed_payments, list_disputes")
DISPUTES = Permission("rak_dispute_read", "Disputes", "list_disputes", essential=False)
CREDIT_NOTES = Permission("rak_credit_note_read", "Credit notes", "get_credit", essential=False)
EVENTS = Permission("rak_event_read", "Events", "list_events, list_plan_changes")
METERS = Permission("rak_billing_meter_read", "Meters", "list_usage, list_invoice_lines")
CREDIT_GRANTS = Permission("", "Credit grants", "get_credit", essential=False)

PERMISSIONS = (
    CUSTOMERS,
    PAYMENT_METHODS,
    SUBSCRIPTIONS,
    PRICES,
    INVOICES,
    CHARGES,
    DISPUTES,
    CREDIT_NOTES,
    EVENTS,
    METERS,
    CREDIT_GRANTS,
)
READ_ALL = ", ".join(one.row for one in PERMISSIONS)
"""For a remedy: the rows to set to Read."""


def permission_named(token: str) -> str:
    """Return a permission as a person looks for it: `rak_plan_read (Prices: Read)`."""
    row = next((one.row for one in PERMISSIONS if one.token == token), "")
    return f"{token} ({row}: Read)" if row else token
