"""Whether a text speaks of what fails: the one test for "this deployment touches it" and "this bug is about it"."""

import re
from functools import lru_cache

RELATED: dict[str, tuple[str, ...]] = {
    "rate_limited": (
        "rate limit", "ratelimit", "limiter", "throttle", "throttling", "throttled", "token bucket", "too many requests",
        "retry after", "burst", "429",
    ),
    "quota_exceeded": ("quota", "usage limit", "monthly limit", "metering", "allowance"),
    "key_revoked": ("api key", "apikey", "key", "revoke", "revocation", "credential", "auth", "401"),
    "key_expired": ("api key", "apikey", "key", "expiry", "expire", "credential", "auth", "401"),
    "permission_denied": ("permission", "scope", "role", "authorize", "authorization", "access", "policy", "acl", "403"),
    "payment_required": ("payment", "billing", "dunning", "delinquent", "past due", "402"),
    "invalid_request": ("validation", "validate", "validator", "schema", "invalid request", "bad request", "parser", "400"),
    "upstream_error": ("upstream", "gateway", "proxy", "dependency", "connection pool", "502", "503"),
    "internal_error": ("internal error", "exception", "crash", "panic", "500"),
    "timeout": ("timeout", "time out", "timed out", "latency", "slow", "deadline", "504"),
}  # fmt: skip
"""Canonical error code to the words that its code, bugs and incidents are described with."""
_COMMON = frozenset(
    {"api", "v1", "v2", "v3", "v4", "public", "internal", "rest", "the", "and", "for", "of", "by", "id"}
)
"""Parts of a route or a name that say nothing of what it is about."""


def related_words(subject: str) -> tuple[str, ...]:
    """Return the words that a subject is recognised by.

    Args:
        subject: A canonical error code, a route such as `/v1/search/{id}`, or any name.
    """
    if subject in RELATED:
        return RELATED[subject]
    plain = re.sub(r"[{<:][^/}>]*[}>]?", " ", subject) if "/" in subject else subject
    words = [word for word in _flat(plain).split() if len(word) > 2 and not word.isdigit()]
    telling = [word for word in words if word not in _COMMON]
    # A name that is nothing but a common word means that word; a route never does.
    return tuple(dict.fromkeys(telling or ([] if "/" in subject else words)))


def touches(text: str, subject: str) -> bool:
    """Whether a text holds any of a subject's words as whole words, in singular or plural, whatever their spelling.

    `RateLimiter`, `rate_limiter` and `rate-limiter` are the same. A subject without telling words touches nothing.
    """
    flat = f" {' '.join(_singular(word) for word in _flat(text).split())} "
    return any(f" {' '.join(_singular(part) for part in word.split())} " in flat for word in related_words(subject))


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
