"""Where a text holds personal data or a secret, by shape and check digit.

Names and postal addresses have no shape: redact.py takes names from what is known of the people involved.
"""

import ipaddress
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from stdnum import iban, luhn, numdb

from reasoning.identity_numbers import find_identity_numbers
from reasoning.phone_shapes import find_phones
from reasoning.secret_shapes import find_secrets


class Found(NamedTuple):
    """A span [start, end) and what is in it."""

    start: int
    end: int
    kind: str
    """`SECRET`, `EMAIL`, `CARD`, `IBAN`, `IP`, `PHONE` or `ID`."""


REGIONS = ("US", "GB", "DE", "FR")
"""Where a phone number without a country code may be from."""

_AT = r"(?:@{1,2}|%40|＠)"
_LATIN = r"0-9A-Za-z_\u00c0-\u024f"
_NO_ADDRESS = r"(?!:[\w.-]+/)"
"""`git@host:path/of/it` is a place of code."""
_NO_FILE = r"(?!(?:png|jpe?g|gif|svg|webp|css|html?|json|xml|pdf)\b)"
"""`logo@2x.png` is a file."""
_EMAIL = re.compile(
    rf"(?<![{_LATIN}.+%-])[{_LATIN}](?:[{_LATIN}.+'-]|%(?!40)){{0,63}}{_AT}"
    rf"(?:[0-9A-Za-z\u00c0-\u024f-]{{1,63}}\.){{1,8}}{_NO_FILE}"
    rf"[A-Za-z\u00c0-\u024f][0-9A-Za-z\u00c0-\u024f-]{{1,23}}(?![0-9A-Za-z\u00c0-\u024f]){_NO_ADDRESS}"
)
_EMAIL_OF_ANY_SCRIPT = re.compile(
    rf"(?<![\w.+%'-])[\w][\w.+'-]{{0,63}}[@＠](?:[\w-]{{1,63}}\.){{1,8}}{_NO_FILE}[^\W\d_][\w-]{{1,23}}(?!\w){_NO_ADDRESS}"
)
_EMAIL_QUOTED = re.compile(r"\"[^\"\s@]{1,64}\"@(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,23}")
_EMAIL_WITH_COMMA = re.compile(r"(?<![\w.+%-])[\w][\w.+-]{0,63}@[\w-]{1,63},[A-Za-z]{2,8}(?!\w)")
_WORD_AT = r"at|ät|arobase|arroba|chiocciola|klammeraffe|małpa|aapenstaartje|apenstaartje|снабела|собака"
_WORD_DOT = r"dot|punkt|punto|point|ponto|kropka|punt|точка"
_EMAIL_IN_BRACKETS = re.compile(
    rf"(?<![\w.+-])[\w][\w.+-]{{0,63}} ?[(\[{{<] ?(?:@|{_WORD_AT}) ?[)\]}}>] ?"
    rf"[\w-]{{1,63}}(?:(?:\.| ?[(\[{{<] ?(?:\.|{_WORD_DOT}) ?[)\]}}>] ?| (?:{_WORD_DOT}) )[\w-]{{1,63}}){{1,6}}",
    re.IGNORECASE,
)
_EMAIL_IN_WORDS = re.compile(
    rf"(?<![\w.+-])[\w][\w.+-]{{0,63}}(?: (?:{_WORD_DOT}) [\w-]{{1,63}}){{0,3}} (?:{_WORD_AT}) "
    rf"[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,4}}(?: (?:{_WORD_DOT}) [\w-]{{2,63}}){{1,4}}(?!\w)",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2}) ?\d ?\d(?:[ .-]{0,2}[A-Za-z0-9]){10,30}")
_IBAN_NAMED = re.compile(r"\b(?:iban|rib|konto|account)\b[^\w\n]{0,4}(?:\w{2,8}\W{1,3})?$", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.])\d(?:[ .-]{0,2}\d){11,30}(?!\w)")
_DECIMAL = re.compile(r"\d+\.\d+")
"""Measured numbers have up to 17 digits, and of those that look like a card every tenth has its check digit."""
_ZERO_POINT = re.compile(r"(?:^|\D)0\.$")
_CARD_RANGES = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[012])\d{13}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12,15}|35\d{14,17}|62\d{14,17}|(?:50|5[6-8]|6[37])\d{14,17}"
)
_IPV4 = re.compile(r"(?<![\w.])(?<![A-Za-z]/)(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])")
_VERSION = re.compile(
    r"(?:versi\w*|wersj\w*|verze|バージョン|版本|верси\w*|release|sdk|build|firmware|driver|chrome|windows(?: nt)?|agent|app"
    r"|section|kapitel|chapter|abschnitt|§|\bv)[ \t]?[\w.-]{0,12}[\"'=:. ]{0,3}$",
    re.IGNORECASE,
)


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
    yield from (Found(*span, "SECRET") for span in find_secrets(text))
    yield from (Found(*span, "EMAIL") for span in _emails(text))
    if not any(char.isdigit() for char in text):
        return
    yield from (Found(*span, "IBAN") for span in _ibans(text))
    yield from (Found(*span, "CARD") for span in _cards(text))
    yield from (Found(*span, "ID") for span in find_identity_numbers(text))
    yield from (Found(*span, "IP") for span in _addresses(text))
    yield from (Found(*span, "PHONE") for span in find_phones(text, regions))


def _emails(text: str) -> Iterator[tuple[int, int]]:
    if "@" in text or "%40" in text or "＠" in text:
        for pattern in (_EMAIL_QUOTED, _EMAIL, _EMAIL_OF_ANY_SCRIPT, _EMAIL_WITH_COMMA):
            yield from (match.span() for match in pattern.finditer(text))
    yield from (match.span() for match in _EMAIL_IN_BRACKETS.finditer(text))
    yield from (match.span() for match in _EMAIL_IN_WORDS.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    place = 0
    while match := _IBAN.search(text, place):
        start = place = match.start()
        place += 1
        length = _iban_length(match[1].upper())
        end = _after(text, start, length) if length else 0
        if not end or (end < len(text) and text[end].isalnum() and text[end].isascii()):
            continue
        number = re.sub(r"[ .-]", "", text[start:end])
        # With its name before it, one with a slip of the pen is somebody's account as well.
        if iban.is_valid(number, check_country=False) or _IBAN_NAMED.search(text, max(0, start - 24), start):
            yield start, end
            place = end


@cache
def _iban_length(country: str) -> int:
    """Return how long an account number of this country is; 0 if it has none."""
    _, known = numdb.get("iban").info(country)[0]
    return 4 + sum(int(part) for part in re.findall(r"\d+", known["bban"])) if "bban" in known else 0


def _after(text: str, start: int, length: int) -> int:
    """Return the place after that many letters and digits; 0 if the text ends before."""
    for place in range(start, min(len(text), start + 3 * length)):
        length -= text[place].isalnum()
        if not length:
            return place + 1
    return 0


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        groups = [(group.start(), group.end()) for group in re.finditer(r"\d+", match[0])]
        # A number before or after it may look like one more group.
        runs = ((first[0], last[1]) for at, first in enumerate(groups) for last in reversed(groups[at:]))
        found = next((run for run in runs if _is_card(match[0], *run)), None)
        if found is not None:
            yield match.start() + found[0], match.start() + found[1]


def _is_card(text: str, start: int, end: int) -> bool:
    if _DECIMAL.fullmatch(text, start, end) or _ZERO_POINT.search(text, 0, start):
        return False
    digits = re.sub(r"\D", "", text[start:end])
    return bool(_CARD_RANGES.fullmatch(digits)) and bool(luhn.is_valid(digits))


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(match[0])
            except ValueError:
                continue
            if address.is_loopback or address.is_unspecified:
                continue
            if address.version == 4 and _VERSION.search(text[max(0, match.start() - 24) : match.start()]):
                continue
            yield match.span()
