"""Whether a text speaks of what fails: the one test for "this deployment touches it" and "this bug is about it"."""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

RELATED: dict[str, tuple[str, ...]] = {
    "rate_limited": (
        "rate limit", "limiter", "throttle", "ratelimit", "throttling", "throttled", "token bucket", "too many requests",
        "retry after", "burst", "429",
    ),
    "quota_exceeded": ("quota", "usage limit", "monthly limit", "metering", "allowance"),
    "key_revoked": ("api key", "apikey", "key", "revoke", "revocation", "credential", "auth", "401"),
    "key_expired": ("api key", "apikey", "key", "expiry", "expire", "credential", "auth", "401"),
    "permission_denied": ("permission", "scope", "role", "authorize", "authorization", "access", "policy", "acl", "403"),
    "payment_required": ("payment", "billing", "dunning", "delinquent", "past due", "402"),
    "invalid_request": ("validation", "validate", "validator", "schema", "invalid request", "bad request", "parser", "400"),
    "upstream_error": ("upstream", "gateway", "proxy", "dependency", "connection pool", "502", "503",
        "error rate", "elevated error", "api error", "outage", "unavailable"),
    "internal_error": ("internal error", "exception", "crash", "panic", "500", "error rate", "elevated error", "api error",
        "outage", "unavailable"),
    "timeout": ("timeout", "time out", "timed out", "latency", "slow", "deadline", "504"),
}  # fmt: skip
"""Canonical error code to the words that its code, bugs and incidents are described with, the most telling first."""
OF_SYMPTOM: dict[str, tuple[str, ...]] = {
    "rate-limited": RELATED["rate_limited"],
    "quota-exceeded": RELATED["quota_exceeded"],
    "server-errors": (*RELATED["internal_error"], *RELATED["upstream_error"]),
    "timeouts": RELATED["timeout"],
    "slow": ("latency", "slow", "slowness", "performance", "degraded", "delay", "timeout"),
    "unauthorized": RELATED["key_revoked"],
    "forbidden": RELATED["permission_denied"],
    "payment-required": RELATED["payment_required"],
    "bad-request": RELATED["invalid_request"],
    "errors": (),
    "webhook-missing": ("webhook", "delivery"),
    "webhook-failing": ("webhook", "delivery"),
}
"""Symptom of reasoning/symptoms.py to the same kind of words; that something fails says nothing of what."""
_VOCABULARY_EACH = 3
_VERSION = re.compile(r"(?<!\d)\d+(?:\.\d+)+(?![\d.]*\d)")
REGION = re.compile(
    r"(?<![\w-])((?:us|eu|ap|sa|ca|me|af|il|uk)-(?:gov-)?(?:north|south|east|west|central|northeast|southeast"
    r"|northwest|southwest)-?\d?"
    r"|(?:us|europe|asia|australia|northamerica|southamerica)-(?:north|south|east|west|central|northeast"
    r"|southeast)+\d)(?![\w-])",
    re.IGNORECASE,
)
"""A region as clouds name them."""
_ROUTE = re.compile(r"(?<![\w./*-])/v\d{1,2}(?:/[\w{}<>:*.~-]+)+", re.ASCII)
"""A route as a text names it, told from a path of a file by its version."""
_COMMON = frozenset(
    {"api", "v1", "v2", "v3", "v4", "public", "internal", "rest", "the", "and", "for", "of", "by", "id"}
)
"""Parts of a route or a name that say nothing of what it is about."""


def related_words(subject: str) -> tuple[str, ...]:
    """Return the words that a subject is recognised by.

    Args:
        subject: A canonical error code, a symptom, a route such as `/v1/search/{id}`, or any name.
    """
    if subject in RELATED or subject in OF_SYMPTOM:
        return RELATED.get(subject) or OF_SYMPTOM[subject]
    plain = re.sub(r"[{<:][^/}>]*[}>]?", " ", subject) if "/" in subject else subject
    words = [word for word in _flat(plain).split() if len(word) > 2 and not word.isdigit()]
    telling = [word for word in words if word not in _COMMON]
    # A name that is nothing but a common word means that word; a route never does.
    return tuple(dict.fromkeys(telling or ([] if "/" in subject else words)))


def vocabulary(subjects: Iterable[str]) -> tuple[str, ...]:
    """Return the most telling words of error codes and symptoms, as search terms; nothing for other subjects."""
    known = [RELATED.get(subject) or OF_SYMPTOM.get(subject, ()) for subject in subjects]
    return tuple(dict.fromkeys(word for words in known for word in words[:_VOCABULARY_EACH]))


def in_region(text: str, regions: Sequence[str], known: Collection[str] = ()) -> bool:
    """Whether a text can be about one of the regions: it names one of them, or none at all. Without regions all can be.

    Args:
        text: What a person or a deployment tool wrote.
        regions: Those that matter.
        known: Names of the company's own regions, which need not look like any cloud's.
    """
    if not regions:
        return True
    named = {*named_regions(text, {*known, *regions})}
    return not named or any(region.lower() in named for region in regions)


def named_regions(text: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Return the regions that a text names, in small letters: those named as clouds name them, and the known ones.

    Args:
        text: What a person or a deployment tool wrote.
        known: Names of the company's own regions, which need not look like any cloud's.
    """
    clouds = [found.lower() for found in REGION.findall(text)]
    own = [name.lower() for name in sorted(known) if _name_of_region(name).search(text)]
    return tuple(dict.fromkeys((*clouds, *own)))


@lru_cache(maxsize=4096)
def _name_of_region(name: str) -> re.Pattern[str]:
    """Two letters are a word in some language (`us`, `in`, `de`): such a region is named in capitals only."""
    whole = rf"(?<![\w-]){re.escape(name.upper() if len(name) < 3 else name)}(?![\w-])"
    return re.compile(whole, re.IGNORECASE if len(name) > 2 else re.NOFLAG)


def touches(text: str, subject: str) -> bool:
    """Whether a text holds any of a subject's words as whole words, in singular or plural, whatever their spelling.

    `RateLimiter`, `rate_limiter` and `rate-limiter` are the same. A subject that holds a version is that
    version. A subject without telling words touches nothing.
    """
    version = _VERSION.search(subject) if "/" not in subject else None
    if version:
        # `gw-7.4.0`, `v7.4.0` and `gateway 7.4.0` are one version; the name around it is everybody's own.
        return any(found[0] == version[0] for found in _VERSION.finditer(text))
    if subject.startswith("/") and (named := _routes_in(text)):
        # A text that names routes speaks of those and of what lies beneath them: `/v1/orders/{id}` is not `/v1/orders`.
        own = _shape(subject)
        return any(own[: len(route)] == route for route in named)
    flat = f" {' '.join(_singular(word) for word in _flat(text).split())} "
    return any(f" {' '.join(_singular(part) for part in word.split())} " in flat for word in related_words(subject))


@lru_cache(maxsize=4096)
def _routes_in(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_shape(found) for found in _ROUTE.findall(text))


def _shape(route: str) -> tuple[str, ...]:
    """Return a route's parts, whatever its places are called: `{id}`, `:id` and `<id>` are the same."""
    parts = route.rstrip(".,:;/").lower().split("/")[1:]
    return tuple("*" if part[:1] in ("{", ":", "<", "*") or part.isdigit() else part for part in parts)


@lru_cache(maxsize=4096)
def _flat(text: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    return re.sub(r"[^a-z0-9]+", " ", spaced.lower()).strip()


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
