"""Which function plants which cause class at a single customer."""

from collections.abc import Callable

from evals.generate.causes.access import key_revoked_or_expired, permission_or_scope
from evals.generate.causes.hooks import webhook_endpoint_slow_or_down, webhook_endpoint_tls, webhook_secret_rotated
from evals.generate.causes.limits import customer_traffic_spike, quota_exhausted, rate_limit_plan
from evals.generate.causes.money import (
    billing_double_count,
    billing_proration_or_tax_expected,
    payment_failed,
    plan_downgrade,
)
from evals.generate.causes.requests import (
    client_misuse_or_bad_request,
    documented_limitation,
    nothing_wrong,
    too_vague,
)
from evals.generate.draw import Draw
from evals.generate.stage import Client, Stage
from evals.generate.truth import Planted
from models.vocabulary import CauseClass

OWN: dict[CauseClass, Callable[[Stage, Draw, Client], Planted]] = {
    CauseClass.KEY_REVOKED_OR_EXPIRED: key_revoked_or_expired,
    CauseClass.PERMISSION_OR_SCOPE: permission_or_scope,
    CauseClass.RATE_LIMIT_PLAN: rate_limit_plan,
    CauseClass.CUSTOMER_TRAFFIC_SPIKE: customer_traffic_spike,
    CauseClass.QUOTA_EXHAUSTED: quota_exhausted,
    CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST: client_misuse_or_bad_request,
    CauseClass.DOCUMENTED_LIMITATION: documented_limitation,
    CauseClass.PAYMENT_FAILED: payment_failed,
    CauseClass.PLAN_DOWNGRADE: plan_downgrade,
    CauseClass.BILLING_DOUBLE_COUNT: billing_double_count,
    CauseClass.BILLING_PRORATION_OR_TAX_EXPECTED: billing_proration_or_tax_expected,
    CauseClass.WEBHOOK_ENDPOINT_TLS: webhook_endpoint_tls,
    CauseClass.WEBHOOK_SECRET_ROTATED: webhook_secret_rotated,
    CauseClass.WEBHOOK_ENDPOINT_SLOW_OR_DOWN: webhook_endpoint_slow_or_down,
    CauseClass.NOTHING_WRONG: nothing_wrong,
    CauseClass.TOO_VAGUE: too_vague,
}
"""Cause class to what plants it; a pair of these makes two causes."""

PAIRS = (
    (CauseClass.KEY_REVOKED_OR_EXPIRED, CauseClass.WEBHOOK_ENDPOINT_TLS),
    (CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST, CauseClass.WEBHOOK_ENDPOINT_SLOW_OR_DOWN),
    (CauseClass.PERMISSION_OR_SCOPE, CauseClass.BILLING_PRORATION_OR_TAX_EXPECTED),
    (CauseClass.DOCUMENTED_LIMITATION, CauseClass.WEBHOOK_SECRET_ROTATED),
    (CauseClass.BILLING_DOUBLE_COUNT, CauseClass.KEY_REVOKED_OR_EXPIRED),
    (CauseClass.QUOTA_EXHAUSTED, CauseClass.WEBHOOK_ENDPOINT_TLS),
    (CauseClass.PLAN_DOWNGRADE, CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST),
    (CauseClass.CUSTOMER_TRAFFIC_SPIKE, CauseClass.WEBHOOK_ENDPOINT_SLOW_OR_DOWN),
)
"""Causes that can befall one customer at once without hiding each other."""
