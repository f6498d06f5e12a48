"""Who the ticket is about and what it names: the anchors that queries are bound to."""

from models.base import Frozen, Moment
from models.screening import Sign


class Window(Frozen):
    """A half-open span of time, [start, end)."""

    start: Moment
    end: Moment


class Customer(Frozen):
    """The requester's company, resolved by code."""

    id: str
    """The id in the team's own data (logs, usage, accounts)."""
    name: str = ""
    billing_id: str = ""
    """The id at the billing provider, such as `cus_…`."""
    plan: str = ""
    region: str = ""
    resolved_by: str
    """The resolver that answered: `helpdesk-field`, `billing-email`, `accounts-domain` …"""
    weak: bool = False
    """True for a match by e-mail domain alone: no customer data in the draft reply."""


class Anchors(Frozen):
    """What a ticket pins an investigation to. Found by code in the text, never by a model."""

    reported_at: Moment
    """When the customer wrote."""
    symptom_at: Moment
    """When the trouble started as far as the text tells, else `reported_at`."""
    symptom_slack_minutes: int = 0
    """How much earlier it may have started, by how vaguely it was said: `since yesterday` leaves hours."""
    window: Window
    customer: Customer | None = None
    customer_problem: str = ""
    """Why there is no customer: `no resolver matched`, `2 customers match` …"""
    request_ids: tuple[str, ...] = ()
    status_codes: tuple[int, ...] = ()
    error_codes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()
    """Public prefixes of API keys, as customers quote them."""
    invoices: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    company_regions: tuple[str, ...] = ()
    """Names of the company's own regions, as its accounts hold them; they need not look like any cloud's."""
    hosts: tuple[str, ...] = ()
    """Names of hosts, such as that of a webhook endpoint; also what only looks like one, as `order.paid` does."""
    symptoms: tuple[str, ...] = ()
    """Words for what goes wrong, from a fixed list: `rate-limited`, `slow`, `charged-twice` …"""
    vocabulary: tuple[str, ...] = ()
    """Words that engineers use for these symptoms and codes, for full-text searches: `rate limit`, `limiter` …"""
    terms: tuple[str, ...] = ()
    """Content words of subject and description, for full-text searches; at most twelve."""
    screened: tuple[Sign, ...] = ()
    """What looks odd in the ticket's text. It decides nothing."""
