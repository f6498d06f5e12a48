"""Where a text holds personal data or a secret, by shape and check digit.

Names and postal addresses have no shape: redact.py takes names from what is known of the people involved.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers
from stdnum import iban, luhn
from stdnum.us import ssn


class Found(NamedTuple):
    """A span [start, end) and what is in it."""

    start: int
    end: int
    kind: str
    """`SECRET`, `EMAIL`, `CARD`, `IBAN`, `IP`, `PHONE` or `ID`."""


REGIONS = ("US", "GB", "DE", "FR")
"""Where a phone number without a country code may be from."""
_CANDIDATES = 60
"""Phone numbers that are parsed per text; what is beyond counts as a phone number, as parsing is what costs."""

_PREFIXES = "|".join(
    (
        r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}",
        r"whsec_[A-Za-z0-9+/=]{16,}",
        r"sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}",
        r"gh[pousr]_[A-Za-z0-9]{20,}",
        r"github_pat_[A-Za-z0-9_]{20,}",
        r"gl(?:pat|ptt|dt|rt|soat|cbt|ft|imt|agent|oas)-[A-Za-z0-9_.-]{16,}",
        r"xox[abceprs]-[A-Za-z0-9-]{10,}",
        r"xapp-[A-Za-z0-9-]{10,}",
        r"(?:AKIA|ASIA)[A-Z0-9]{16}",
        r"AIza[A-Za-z0-9_-]{30,}",
        r"ya29\.[A-Za-z0-9_-]{20,}",
        r"GOCSPX-[A-Za-z0-9_-]{20,}",
        r"npm_[A-Za-z0-9]{30,}",
        r"pypi-[A-Za-z0-9_-]{30,}",
        r"lin_(?:api|oauth)_[A-Za-z0-9]{16,}",
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"hf_[A-Za-z0-9]{20,}",
        r"do[oprt]_v1_[a-f0-9]{40,}",
        r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}",
        r"dckr_pat_[A-Za-z0-9_-]{20,}",
        r"sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}",
        r"AGE-SECRET-KEY-[A-Z0-9]{20,}",
        r"EAA[A-Za-z0-9]{40,}",
    )
)
_PASSWORDS = r"pass(?:word|phrase|wd|code)|pwd|pin|otp|secret"
_TOKENS = (
    r"(?:api|access|auth|private|secret|signing|encryption|account|license)[ _-]?(?:key|token|secret)"
    r"|client[ _-]?secret|(?:refresh|bearer|session|id)[ _-]?token|token|credentials?|aws_secret_access_key|authorization"
)
_STATES = (
    "invalid expired revoked missing required rejected unknown undefined null none empty wrong incorrect false true "
    "bearer basic redacted hidden removed unauthorized forbidden denied string"
)
_NOT_VALUES = frozenset(_STATES.split())

_SECRETS = re.compile(
    rf"""
      -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    | (?<![A-Za-z0-9])(?:{_PREFIXES})
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{{6,}}\.[A-Za-z0-9_-]{{6,}}(?:\.[A-Za-z0-9_-]*)?
    | (?<=://)[^\s/@:]{{1,200}}:[^\s/@]{{1,200}}(?=@)
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{{20,}}
    """,
    re.VERBOSE,
)
_HEADER = re.compile(r"\b(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_LABELLED = re.compile(
    rf"""(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_-])?(?:(?P<password>{_PASSWORDS})|(?P<token>{_TOKENS}))["'`*]{{0,3}}
    (?:[ \t]*(?P<sign>:=|=>|[:=])|[ \t]+(?:is|was)[ \t]*:?)
    [ \t]*(?:bearer[ \t]+|basic[ \t]+)?["'`]?(?P<value>[^\s"'`,;<>]{{4,}})""",
    re.IGNORECASE | re.VERBOSE,
)
_QUERY_SECRET = re.compile(
    r"[?&](?:[a-z_-]*(?:token|secret|password|signature|sig|api_?key|access_?key)|key)=([^&\s#\"'<>]{6,})",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w][\w.+%'-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,23}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{1,4}){3,8}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,17}\d(?!\w|[.]\d)")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])")
_SSN = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")
_NINO = re.compile(r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2} ?(?:\d{2} ?){3}[A-D](?!\w)")

_PHONE = re.compile(r"(?<![\w.#/=-])(?:\+|\(\+?|00)?\d(?:[ .()/\u00a0\u2011-]{0,3}\d){6,17}(?![\w/]|[.:-]\d)")
_PHONE_CUE = re.compile(
    r"(?:phone|tel|telephone|call(?: me)?(?: (?:at|on|back))?|mobile|cell|whatsapp|fax|reach me (?:at|on))\W{0,3}$",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"""
      \d{4}-\d{2}-\d{2}(?:[T ,]{1,2}\d{1,2}(?::\d{2}){0,2}(?:[.,]\d{1,9})?(?:[ ]?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?
    | \d{1,2}[./]\d{1,2}[./]\d{4}(?:[ ,]{1,2}\d{1,2}:\d{2}(?::\d{2})?)?
    | \b\d{1,2}:\d{2}(?::\d{2})?\b
    | \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b
    | (?<![A-Za-z0-9])[A-Za-z]{2,8}[_-][A-Za-z0-9_-]*\d[A-Za-z0-9_-]*
    | \#\d+
    """,
    re.VERBOSE,
)
"""Times, UUIDs, prefixed ids and order numbers: needed as evidence, and never a phone number."""


def find_personal(text: str, regions: tuple[str, ...] = REGIONS) -> list[Found]:
    """Return what must not leave, by position and without overlap; secrets win over what they contain."""
    taken = bytearray(len(text))
    kept = []
    for found in _detect(text, regions):
        if found.end > found.start and not any(taken[found.start : found.end]):
            taken[found.start : found.end] = b"\1" * (found.end - found.start)
            kept.append(found)
    return sorted(kept)


def _detect(text: str, regions: tuple[str, ...]) -> Iterator[Found]:
    yield from _secrets(text)
    if "@" in text:
        yield from (Found(*match.span(), "EMAIL") for match in _EMAIL.finditer(text))
    if not any(char.isdigit() for char in text):
        return
    yield from _ibans(text)
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if digits[0] in "23456" and luhn.is_valid(digits):
            yield Found(*match.span(), "CARD")
    yield from _addresses(text)
    yield from (Found(*match.span(), "ID") for match in _SSN.finditer(text) if ssn.is_valid(match[0]))
    yield from (Found(*match.span(), "ID") for match in _NINO.finditer(text))
    yield from _phones(text, regions)


def _secrets(text: str) -> Iterator[Found]:
    yield from (Found(*match.span(), "SECRET") for match in _SECRETS.finditer(text))
    for match in _HEADER.finditer(text):
        if _looks_random(match[1]):
            yield Found(*match.span(1), "SECRET")
    for match in _LABELLED.finditer(text):
        value = match["value"].rstrip(".)]}!?*_:")
        start = match.start("value")
        if _is_secret_value(value, password=match["password"] is not None, signed=match["sign"] is not None):
            yield Found(start, start + len(value), "SECRET")
    yield from (Found(*match.span(1), "SECRET") for match in _QUERY_SECRET.finditer(text))


def _is_secret_value(value: str, *, password: bool, signed: bool) -> bool:
    if len(value) < 4 or value.lower() in _NOT_VALUES:
        return False
    if password and signed:
        return True
    return len(value) >= 6 and _looks_random(value)


def _looks_random(value: str) -> bool:
    """Tell `hunter2!` and `dGhpc19pcw==` from the words that may follow `token is` or `Basic`."""
    if any(char.isdigit() for char in value):
        return True
    letters = value.strip("=").isalpha()
    return not letters or (len(value) >= 16 and not value.islower() and not value.istitle())


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        end = match.end()
        # The next word may look like one more group, so give groups back until the check digits hold.
        while end - match.start() >= 15:
            if iban.is_valid(text[match.start() : end], check_country=False):
                yield Found(match.start(), end, "IBAN")
                break
            end = max(text.rfind(" ", match.start(), end), text.rfind("-", match.start(), end))


def _addresses(text: str) -> Iterator[Found]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(match[0])
            except ValueError:
                continue
            if not (address.is_loopback or address.is_unspecified):
                yield Found(*match.span(), "IP")


def _phones(text: str, regions: tuple[str, ...]) -> Iterator[Found]:
    kept = [match.span() for match in _KEPT.finditer(text)]
    seen = 0
    for match in _PHONE.finditer(text):
        start, end = match.span()
        digits = sum(char.isdigit() for char in match[0])
        if not 7 <= digits <= 15 or any(start < right and left < end for left, right in kept):
            continue
        cued = bool(_PHONE_CUE.search(text[max(0, start - 30) : start]))
        international = match[0].startswith(("+", "(+", "00"))
        # A bare run of digits is an order number unless the text says otherwise.
        if not (cued or international or re.search(r"\d[ .()/\u00a0\u2011-]+\d", match[0])):
            continue
        seen += 1
        if seen > _CANDIDATES or _is_phone(match[0], regions, strict=not (cued or international)):
            yield Found(start, end, "PHONE")


def _is_phone(text: str, regions: tuple[str, ...], *, strict: bool) -> bool:
    if text.startswith("00"):
        text = "+" + text[2:]
    if not strict:
        return any(_valid(text, region) for region in regions)
    leniency = phonenumbers.Leniency.VALID
    return any(next(iter(phonenumbers.PhoneNumberMatcher(text, region, leniency)), None) for region in regions)


def _valid(text: str, region: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False
