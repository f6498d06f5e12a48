"""billing.yaml and deployments.yaml: what the billing provider and the code host hold."""

from typing import Annotated, Literal

from pydantic import Field

from sandbox.world_base import Currency, Minor, Offset, Part, Sha


class Meter(Part):
    """A metered unit; `name` is the meter's name in the usage table, `event_name` the billing provider's."""

    id: str
    name: str
    event_name: str
    title: str = ""


class Price(Part):
    """A price; `unit_amount` in minor units. `meter` is a meter's name for metered prices."""

    id: str
    product: str
    product_name: str
    nickname: str
    currency: Currency
    unit_amount: Minor
    interval: Literal["month", "year"] = "month"
    meter: str = ""


class Card(Part):
    """A card. It is good until the end of the month that `expires` falls in: an expired one is at least 32 days back."""

    id: str
    brand: str
    last4: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    expires: Offset
    default: bool = True


class BillingCustomer(Part):
    """The customer at the billing provider. `linked`: its metadata holds our customer id under `customer_id`."""

    id: Annotated[str, Field(pattern=r"^cus_[A-Za-z0-9]+$")]
    customer: str
    name: str
    email: str
    linked: bool = True
    currency: Currency = "usd"
    delinquent: bool = False
    created: Offset
    cards: list[Card] = []


class SubscriptionItem(Part):
    """A line of a subscription."""

    id: str
    price: str
    quantity: int | None = 1
    """None for a metered price."""


class Subscription(Part):
    """A subscription; `customer` is the billing provider's id."""

    id: str
    customer: str
    status: Literal["active", "past_due", "unpaid", "canceled", "trialing", "incomplete", "paused"]
    created: Offset
    period_start: Offset
    period_end: Offset
    cancel_at: Offset | None = None
    canceled_at: Offset | None = None
    items: Annotated[list[SubscriptionItem], Field(min_length=1)]


class InvoiceLine(Part):
    """A line. Unless it is a proration, `amount` = `quantity` × the price's `unit_amount`.

    A metered line's quantity equals the usage of that meter in its period. Where the world's very point is that it does
    not, `double_counts` names the routes that it counts once more; anything else is refused as a mistake.
    """

    id: str
    description: str
    price: str
    quantity: int = Field(ge=0)
    amount: Minor
    proration: bool = False
    period_start: Offset
    period_end: Offset
    double_counts: list[str] = []


class Invoice(Part):
    """An invoice: `subtotal` is the sum of its lines, `total` = `subtotal` + `tax`."""

    id: str
    number: str
    customer: str
    subscription: str = ""
    status: Literal["draft", "open", "paid", "uncollectible", "void"]
    billing_reason: Literal["subscription_create", "subscription_cycle", "subscription_update", "manual"]
    currency: Currency = "usd"
    created: Offset
    due: Offset | None = None
    period_start: Offset
    period_end: Offset
    subtotal: Minor
    tax: Minor = 0
    total: Minor
    amount_paid: Minor
    attempt_count: int = 0
    next_attempt: Offset | None = None
    lines: Annotated[list[InvoiceLine], Field(min_length=1)]


class Charge(Part):
    """An attempt to collect; `customer`, `invoice` and `card` are the provider's ids."""

    id: str
    customer: str
    invoice: str = ""
    amount: Minor
    currency: Currency = "usd"
    status: Literal["succeeded", "failed", "pending"]
    created: Offset
    card: str = ""
    failure_code: str = ""
    decline_code: str = ""
    failure_message: str = ""


class BillingEvent(Part):
    """Something that the provider recorded, such as `invoice.payment_failed` about `object` (an id).

    A `customer.subscription.updated` that changed the plan without a proration, as a downgrade that waited for the end of
    the period does, names in `previous_items` what the subscription held before.
    """

    id: str
    type: str
    customer: str
    object: str
    created: Offset
    summary: str = ""
    previous_items: list[SubscriptionItem] = []


class BillingFile(Part):
    """billing.yaml"""

    meters: list[Meter] = []
    prices: list[Price] = []
    customers: list[BillingCustomer] = []
    subscriptions: list[Subscription] = []
    invoices: list[Invoice] = []
    charges: list[Charge] = []
    events: list[BillingEvent] = []


class Repository(Part):
    """A repository, `owner/name`."""

    name: Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]
    description: str = ""
    default_branch: str = "main"


class Commit(Part):
    """A commit on the default branch. `message`'s first line is its subject."""

    repository: str
    sha: Sha
    message: str
    author: str
    created: Offset
    files: list[str] = []


class PullRequest(Part):
    """A merged pull request; `merge_sha` is its commit on the default branch."""

    repository: str
    number: int = Field(ge=1)
    title: str
    body: str = ""
    author: str
    labels: list[str] = []
    created: Offset
    merged: Offset
    merge_sha: Sha
    files: list[str] = []


class DeploymentStatus(Part):
    """A state that a deployment went through, oldest first."""

    state: Literal["queued", "pending", "in_progress", "success", "failure", "error", "inactive"]
    created: Offset
    description: str = ""


class Deployment(Part):
    """A deployment of a commit to an environment; without statuses it is pending."""

    id: int = Field(ge=1)
    repository: str
    sha: Sha
    ref: str = "main"
    environment: str = "production"
    description: str = ""
    creator: str
    created: Offset
    statuses: list[DeploymentStatus] = []


class Release(Part):
    """A published release."""

    id: int = Field(ge=1)
    repository: str
    tag: str
    name: str
    body: str = ""
    author: str
    sha: Sha
    published: Offset


class DeploymentsFile(Part):
    """deployments.yaml"""

    repositories: Annotated[list[Repository], Field(min_length=1)]
    commits: list[Commit] = []
    pulls: list[PullRequest] = []
    deployments: list[Deployment] = []
    releases: list[Release] = []
