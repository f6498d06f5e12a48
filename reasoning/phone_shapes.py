"""Where a text holds a phone number: with a country's code, by how it is grouped, or by the word before it."""

import re
from collections.abc import Iterator, Sequence

import phonenumbers

_CANDIDATES = 60
"""Numbers that are parsed per text; what is beyond counts as a phone number, as parsing is what costs."""
_NUMBER = re.compile(
    r"(?:(?<=wa\.me/)|(?<![A-Za-z0-9_.#/-]))(?:\+|%2B|\(\+?|00)?\d(?:(?:[ \u00a0\u2011./()-]{1,3}|)\d){6,17}"
    r"(?![A-Za-z0-9_]|/\w|[.:]\d|-\w)",
    re.IGNORECASE,
)
_CUES = (
    r"tel(?:[eé]ph?one?s?|efonn?u?m?m?e?r?|efoon(?:nummer)?|efonas|\.?\s?no)?|t[ée]l|tlfn?|fono|fon"
    r"|phone(?:[ _-]?(?:no|number))?s?|ph|call (?:me|us)(?: (?:at|on|back))?|ring(?: me)?|dial|text me(?: (?:at|on))?"
    r"|reach me (?:at|on)|sms(?: to)?|mobil[eo]?|mob|mobilnummer|cell(?:ulare|phone)?|cel(?:ular)?|handy|m[óo]vil"
    r"|portable|port\.|gsm|natel|cep|puh(?:elin)?|whats\s?app|wa\.me|wa|fax|hotline|land ?line|r[uü]ckruf|telefonisch"
    r"|erreichbar(?: unter)?|t[eé]l[eé]phone|anrufen|rufen(?: sie)?(?: mich)?|appele[rz]|joindre|ll[aá]m[ae](?:r|me)?"
    r"|liga(?:r)?|chiama(?:temi|mi)?|bel(?: me)?|dzwoni[cć]|zadzwo[nń]|kom(?:órka)?|contact(?:o)?"
    r"|(?:my|new|mein[e]?|mon|mi|meu) (?:number|nr|nummer|num[eé]ro|n[úu]mero)|hp|nomor|sđt|điện thoại|msisdn"
    r"|тел(?:ефон)?|моб(?:ильный)?|τηλ(?:έφωνο)?|κινητό|電話(?:番号)?|携帯(?:電話)?|电话|電話號碼|手机|手機|전화(?:번호)?|연락처|휴대폰"
    r"|โทร(?:ศัพท์)?|هاتف|الهاتف|جوال|טלפון|נייד"
)
_CUE = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_CUES})(?![A-Za-z])[^\d\n]{{0,16}}$",
    re.IGNORECASE,
)
NOT_A_PERSONS = re.compile(
    r"(?<![A-Za-z])(?:order|orders|sku|lot|batch|invoice|ref(?:erence)?s?|tracking|article|part|item|build|version|serial|acct|account"
    r"|bestell\w*|auftrag\w*|artikel\w*|rechnung\w*|kunden\w*|charge|commande|facture|pedido\w*|factura|ordine|ordin\w*|fattura"
    r"|zamówienie|bestelling\w*|factuur|sipariş|ticket|case|id|ids|offset|pid|trace|span|event|total|amount|betrag"
    r"|error|code|fehler\w*|erreur|line|row|status|http|bon|lote?s?)"
    r"[^\d\n]{0,20}\Z",
    re.IGNORECASE,
)
"""Words before numbers that are the case, and nobody's; those at the end of the line before say nothing."""
_LISTED = re.compile(
    r"\W{0,4}(?:(?:or|and|oder|und|bzw|lub|ou|et|e|y|o|of|en|eller|och|og|tai|ja|i|или|и|або|ή|και|veya|ve|或|または|또는)(?!\w))?"
    r"\W{0,4}(?:(?:the |my )?(?:\w{1,8} (?:on|at|au)))?\W{0,3}"
)
_VERSION = re.compile(r"(?=.*(?:^|\.)\d(?:\.|$))\d+(?:\.\d+){2,}")
"""Numbers with dots, and one of them of one digit."""
_UNIT = re.compile(
    r"\s?(?:[%€$£¥]|(?:ms|s|sec|min|kb|mb|gb|eur|usd|gbp|chf|zł|kč|ft|rows|requests|calls|events)\b)", re.I
)
_TRUNK = re.compile(r"\(?0[1-9]")
_NANP = re.compile(r"(?:1[ .-])?\(?[2-9]\d{2}\)?[ .-]{1,2}[2-9]\d{2}[ .-]\d{4}")
_BEFORE = 34
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


def kept_spans(text: str) -> list[tuple[int, int]]:
    """Return where times, UUIDs, prefixed ids and order numbers stand: needed as evidence, and never a number of a person."""
    return [match.span() for match in _KEPT.finditer(text)]


def find_phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the spans of phone numbers; `regions` say where one without a country's code may be from."""
    kept = kept_spans(text)
    parsed, last = 0, -2 * _BEFORE
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        digits = sum(char.isdigit() for char in match[0].removeprefix("%2B"))
        if (
            not 7 <= digits <= 16
            or _VERSION.fullmatch(match[0])
            or any(start < right and left < end for left, right in kept)
        ):
            continue
        before = text[max(0, start - _BEFORE) : start]
        # In a list the word stands before the first only.
        listed = start - last <= _BEFORE and "\n" not in text[last:start] and _LISTED.fullmatch(text, last, start)
        cued = bool(listed or _CUE.search(before))
        if not cued and (NOT_A_PERSONS.search(before) or _UNIT.match(text, end)):
            continue
        if cued or _is_grouped_as_phone(match[0], digits):
            found = True
        else:
            parsed += 1
            found = parsed > _CANDIDATES or _is_valid(match[0], regions)
        if found:
            last = end
            yield start, end


def _is_grouped_as_phone(number: str, digits: int) -> bool:
    grouped = re.search(r"\d[ .()/\u00a0\u2011-]+\d", number) is not None
    if number.startswith(("+", "(+", "%2B", "%2b")):
        return digits >= 8 and (
            grouped or _parses("+" + re.sub(r"\D", "", number.removeprefix("%2B")), "US", possible=True)
        )
    return grouped and 9 <= digits <= 12 and _TRUNK.match(number) is not None


def _is_valid(number: str, regions: Sequence[str]) -> bool:
    if number.startswith("00"):
        return any(_parses("+" + number[2:], region, possible=True) for region in regions[:1])
    if not _NANP.fullmatch(number):
        return False
    return any(_parses(number, region, possible=False) for region in regions)


def _parses(number: str, region: str, *, possible: bool) -> bool:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) if possible else phonenumbers.is_valid_number(parsed)
