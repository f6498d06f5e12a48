"""The company that sells: its product, routes, plans, regions, error codes, and the names of its own tables."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel

from evals.generate.draw import Draw
from evals.generate.names import PLACES, slug
from evals.generate.names import company as company_name
from sandbox.world import Plan, Region

_CODES: tuple[dict[str, str], ...] = (
    {
        "rate_limited": "TOO_MANY", "quota_exceeded": "QUOTA_SPENT", "key_revoked": "KEY_GONE", "key_expired": "KEY_OLD",
        "permission_denied": "NOT_ALLOWED", "plan_denied": "PLAN_LACKS", "payment_required": "ON_HOLD",
        "invalid_request": "BAD_BODY", "too_large": "BODY_TOO_LARGE", "not_found": "NO_SUCH", "upstream_error": "PARTNER_DOWN",
        "internal_error": "OOPS", "timeout": "TOO_SLOW",
    },
    {
        "rate_limited": "rateLimit", "quota_exceeded": "quotaUsed", "key_revoked": "keyRevoked", "key_expired": "keyExpired",
        "permission_denied": "scopeMissing", "plan_denied": "planMissing", "payment_required": "accountHeld",
        "invalid_request": "invalidInput", "too_large": "payloadSize", "not_found": "notFound", "upstream_error": "dependency",
        "internal_error": "serverError", "timeout": "gatewayTimeout",
    },
    {
        "rate_limited": "4291", "quota_exceeded": "4292", "key_revoked": "4011", "key_expired": "4012",
        "permission_denied": "4031", "plan_denied": "4032", "payment_required": "4020", "invalid_request": "4001",
        "too_large": "4130", "not_found": "4040", "upstream_error": "5021", "internal_error": "5000", "timeout": "5041",
    },
)  # fmt: skip
CANONICAL = {"plan_denied": "permission_denied", "too_large": "invalid_request"}
"""Own kinds of errors that the product's vocabulary calls by another's name."""


class Archetype(BaseModel):
    """What a company of archetypes.yaml sells."""

    product: str
    summary: str
    unit: str
    routes: list[tuple[str, str, float, float, int, int]]
    provider: str
    option: tuple[str, str, str, str]
    cap: tuple[str, str, int]
    gated: str
    events: list[str]


@dataclass(frozen=True)
class Company:
    """An invented vendor."""

    name: str
    slug: str
    domain: str
    kind: Archetype
    codes: dict[str, str]
    plans: list[Plan]
    prices: dict[str, int]
    """Plan to its price a month, in cents."""
    regions: list[Region]
    account_prefix: str
    key_prefix: str
    hook_prefix: str
    schema: str
    """Prefix of the column names, so that two companies' tables look different."""
    repositories: dict[str, str]
    """Part of the system to `owner/name`."""
    providers: list[str]
    tax_percent: int

    def route(self, name: str) -> tuple[str, str, float, float, int, int]:
        """Return a route by name."""
        return next(route for route in self.kind.routes if route[0] == name)

    def making(self) -> list[str]:
        """Return the routes that make units."""
        return [route[0] for route in self.kind.routes if route[5]]

    def plan(self, name: str) -> Plan:
        """Return a plan by name."""
        return next(plan for plan in self.plans if plan.name == name)


def archetypes() -> list[Archetype]:
    """Return all that a company may sell."""
    text = (Path(__file__).parent / "archetypes.yaml").read_text(encoding="utf-8")
    return [Archetype.model_validate(entry) for entry in yaml.safe_load(text)]


def make_company(draw: Draw, regions: int, providers: int, taken: set[str]) -> Company:
    """Draw a company with that many regions and providers."""
    kind = draw.pick(archetypes())
    name = company_name(draw, taken).split(" ")[0]
    tag = slug(name)
    places = draw.some(PLACES, min(regions, len(PLACES)))
    places += [f"{place}2" for place in places[: regions - len(places)]]
    step = draw.pick((1, 2, 5))
    limits = {
        "free": 20 * step,
        "basic": 40 * step,
        "pro": 120 * step,
        "business": 500 * step,
        "corporate": 2000 * step,
    }
    quotas = {"free": 1_000, "basic": 10_000 * step, "pro": 60_000 * step, "business": 0, "corporate": 0}
    titles = {"free": draw.pick(("Free", "Trial", "Hobby")), "basic": draw.pick(("Basic", "Start", "Small"))}
    titles |= {"pro": draw.pick(("Pro", "Growth", "Plus")), "business": draw.pick(("Business", "Volume"))}
    titles |= {"corporate": draw.pick(("Corporate", "Custom", "Global"))}
    base = draw.between(19, 79) * 100
    zone = draw.pick(("edge-", "pop-", "", "dc-"))
    return Company(
        name=name,
        slug=tag,
        domain=f"{tag}.example",
        kind=kind,
        codes={key: draw.sub("code").pick(("", "E_", "X-")) + value for key, value in draw.pick(_CODES).items()},
        plans=[
            Plan(name=plan, title=titles[plan], rate_limit=limits[plan], monthly_quota=quotas[plan]) for plan in limits
        ],
        prices={"free": 0, "basic": base, "pro": base * 4 + 100, "business": base * 11, "corporate": base * 60},
        regions=[Region(name=f"{zone}{place}", title=place.upper(), peak_hour=draw.between(0, 23)) for place in places],
        account_prefix=draw.pick(("acct_", "org-", "c_", "W", "tenant_")),
        key_prefix=draw.pick(("pk_live_", "key-", "ak_", f"{tag[:3]}_live_")),
        hook_prefix=draw.pick(("we_", "hook-", "ep_")),
        schema=draw.pick(("", "x_", "f_", "col_", f"{tag[:2]}_")),
        repositories={part: f"{tag}/{draw.pick(words)}" for part, words in _PARTS.items()},
        providers=[company_name(draw, taken) for _ in range(providers)],
        tax_percent=draw.pick((0, 7, 10, 19, 20)),
    )


_PARTS = {
    "gateway": ("gateway", "edge", "api-front"),
    "workers": ("workers", "engine", "pipeline"),
    "dashboard": ("dashboard", "console", "webapp"),
    "metering": ("metering", "billing-export", "counter"),
}
"""Parts of the system and what their repository may be called."""
