"""The company's product documentation: what it states about limits, keys, plans, requests, webhooks and providers."""

from datetime import timedelta

from evals.generate.causes.fleet import Place
from evals.generate.draw import Draw
from evals.generate.stage import Stage
from sandbox.world import Page


def pages(stage: Stage, draw: Draw) -> list[Page]:
    """Return the pages; what a cause calls documented stands in one of them."""
    written = {
        "limits.md": ("Rate limits and quotas", _limits(stage)),
        "keys.md": ("API keys and scopes", _keys(stage)),
        "plans.md": ("Plans and invoices", _plans(stage)),
        "requests.md": ("What a request must hold", _requests(stage)),
        "webhooks.md": ("Webhooks", _webhooks(stage)),
        "errors.md": ("Error codes", _errors(stage)),
        "providers.md": ("Providers and regions", _providers(stage)),
    }
    return [
        Page(path=path, title=title, updated=timedelta(days=-draw.between(20, 300)), body=f"# {title}\n\n{body}\n")
        for path, (title, body) in written.items()
    ]


def _limits(stage: Stage) -> str:
    company = stage.company
    rows = "\n".join(
        f"| {plan.title} | {plan.rate_limit} | {plan.monthly_quota or 'by the unit'} |" for plan in company.plans
    )
    return (
        f"| Plan | Requests per minute | {company.kind.unit} per period |\n|---|---|---|\n{rows}\n\n"
        f"## Over the rate limit\n\nRequests above it answer 429 `{company.codes['rate_limited']}`; all keys of "
        f"an account count together.\n\n"
        f"## Quota used up\n\nRoutes that make {company.kind.unit} ({', '.join(company.making())}) answer 429 "
        f"`{company.codes['quota_exceeded']}` until the billing period ends or the plan is upgraded."
    )


def _keys(stage: Stage) -> str:
    codes = stage.company.codes
    return (
        f"A revoked key answers 401 `{codes['key_revoked']}`, an expired one 401 `{codes['key_expired']}`. "
        f"Create a new key.\n\n"
        f"## Scopes\n\nA key holds scopes, one for each route. Without the scope a route answers 403 "
        f"`{codes['permission_denied']}`. "
        "Scopes are fixed when a key is made."
    )


def _plans(stage: Stage) -> str:
    company = stage.company
    return (
        f"`{company.kind.gated}` is part of {company.plan('business').title} and "
        f"{company.plan('corporate').title}. On smaller plans it "
        f"answers 403 `{company.codes['plan_denied']}`.\n\n## Changing plans\n\nAn upgrade counts at once: the "
        f"next invoice holds a credit "
        "for the unused time, the remaining time on the new plan, and the month to come. A downgrade counts "
        "from the next period.\n\n"
        f"## Failed payments\n\nWe try four times. Then the API answers 402 "
        f"`{company.codes['payment_required']}` until the invoice is paid.\n\n"
        f"## Tax\n\nInvoices may hold tax of {company.tax_percent} %."
    )


def _requests(stage: Stage) -> str:
    (route, option, wanted, given), (capped, words, status) = stage.company.kind.option, stage.company.kind.cap
    return (
        f"## {option}\n\nIn `{route}`, `{option}` must be {wanted}. Anything else, such as {given}, is refused "
        f"with 400 "
        f"`{stage.company.codes['invalid_request']}`.\n\n## Size of a call\n\n`{capped}` takes at most {words}, "
        f"on every plan. "
        f"More is refused with {status} `{stage.company.codes['too_large']}`."
    )


def _webhooks(stage: Stage) -> str:
    return (
        f"We send {', '.join(stage.company.kind.events)}. Answer with a 2xx status within 10 seconds.\n\n## "
        f"TLS\n\nThe endpoint needs a "
        "valid certificate of its own host, or nothing is delivered.\n\n## Secrets\n\nAfter a rotation the old "
        "secret is good for 24 hours. "
        "An endpoint that still checks with it refuses deliveries from then on, mostly with 401 or 403."
    )


def _errors(stage: Stage) -> str:
    return "| Code | Kind |\n|---|---|\n" + "\n".join(
        f"| `{code}` | {kind.replace('_', ' ')} |" for kind, code in stage.company.codes.items()
    )


def _providers(stage: Stage) -> str:
    route = stage.company.kind.provider
    served = [Place(region, provider) for provider, region in stage.provider_regions.items()]
    lines = "\n".join(f"- {place.region}: {place.route}" for place in served)
    return (
        f"`{route}` runs at a provider in some regions, and at ours in all others. When the provider fails, "
        f"that route answers 502 "
        f"`{stage.company.codes['upstream_error']}` there, and nothing else is "
        f"affected.\n\n{lines or '- none at the moment'}"
    )
