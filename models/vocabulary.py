"""The closed word lists of the product: outcomes, causes, statuses, severities, modes, sources."""

from enum import StrEnum


class Source(StrEnum):
    """A system that is asked for evidence, with the spelling for people. `HELPDESK` is the ticket itself.

    Each other member is the name of its module in `connectors`, and this line is all the wiring that it has.
    """

    _spelling: str

    CLICKHOUSE = "clickhouse", "ClickHouse"
    LINEAR = "linear"
    STRIPE = "stripe"
    GITHUB = "github", "GitHub"
    DOCS = "docs"
    STATUSPAGE = "statuspage", "StatusPage"
    SENTRY = "sentry"
    HELPDESK = "helpdesk"

    def __new__(cls, value: str, spelling: str = "") -> "Source":
        """Keep the spelling beside the value; without one it is the value with a capital."""
        member = str.__new__(cls, value)
        member._value_ = value
        member._spelling = spelling or value.capitalize()
        return member

    @property
    def title(self) -> str:  # type: ignore[override]  # str has a method of that name
        """The vendor's own spelling."""
        return self._spelling


class EvidenceStatus(StrEnum):
    """What became of a question. Only `EMPTY` may support "there was no …"."""

    FOUND = "found"
    EMPTY = "empty"
    FAILED = "failed"
    DENIED = "denied"
    TIMED_OUT = "timed-out"
    SKIPPED = "skipped"

    @property
    def answered(self) -> bool:
        """Whether the source really looked."""
        return self in (EvidenceStatus.FOUND, EvidenceStatus.EMPTY)


class Outcome(StrEnum):
    """How an investigation ended."""

    DIAGNOSED = "diagnosed"
    INCONCLUSIVE = "inconclusive"
    NEEDS_INFO = "needs-info"
    NOTHING_WRONG = "nothing-wrong"
    NOTHING_NEW = "nothing-new"
    FAILED = "failed"


class Mode(StrEnum):
    """What a tenant allows: nothing, an investigation that posts nothing, or the note."""

    OFF = "off"
    SHADOW = "shadow"
    NOTE = "note"

    def lowered(self, post: bool) -> "Mode":
        """Return this mode, or shadow in place of the note where none is to be posted."""
        return Mode.SHADOW if self is Mode.NOTE and not post else self


class Severity(StrEnum):
    """How bad it is for the customer, by the playbook's rubric."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low to 2 for high, to compare."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How much the stored evidence covers of what the playbook wanted to know."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Verdict(StrEnum):
    """What the facts say of a hypothesis."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNTESTED = "untested"


class Scope(StrEnum):
    """Over whom a query ran: one customer, all of them in aggregate, or something that has no customer."""

    CUSTOMER = "customer"
    FLEET = "fleet"
    SHARED = "shared"


class CauseClass(StrEnum):
    """Where a customer's trouble comes from; defined in docs/cause-classes.md."""

    DEPLOY_REGRESSION = "deploy_regression"
    KNOWN_BUG = "known_bug"
    OWN_INCIDENT = "own_incident"
    DUPLICATE_OF_OPEN_INCIDENT = "duplicate_of_open_incident"
    UPSTREAM_INCIDENT = "upstream_incident"
    THIRD_PARTY_NETWORK = "third_party_network"
    REGIONAL_LATENCY = "regional_latency"
    RATE_LIMIT_PLAN = "rate_limit_plan"
    QUOTA_EXHAUSTED = "quota_exhausted"
    CUSTOMER_TRAFFIC_SPIKE = "customer_traffic_spike"
    CLIENT_MISUSE_OR_BAD_REQUEST = "client_misuse_or_bad_request"
    DOCUMENTED_LIMITATION = "documented_limitation"
    ALREADY_FIXED = "already_fixed"
    KEY_REVOKED_OR_EXPIRED = "key_revoked_or_expired"
    PERMISSION_OR_SCOPE = "permission_or_scope"
    PAYMENT_FAILED = "payment_failed"
    PLAN_DOWNGRADE = "plan_downgrade"
    BILLING_DOUBLE_COUNT = "billing_double_count"
    BILLING_PRORATION_OR_TAX_EXPECTED = "billing_proration_or_tax_expected"
    WEBHOOK_ENDPOINT_TLS = "webhook_endpoint_tls"
    WEBHOOK_SECRET_ROTATED = "webhook_secret_rotated"  # noqa: S105  # a cause, no secret
    WEBHOOK_ENDPOINT_SLOW_OR_DOWN = "webhook_endpoint_slow_or_down"
    TWO_CAUSES = "two_causes"
    NOTHING_WRONG = "nothing_wrong"
    TOO_VAGUE = "too_vague"
    UNKNOWN = "unknown"
