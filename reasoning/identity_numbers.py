"""Where a text holds a number that a state gave to a person or a company.

By its form and check digit, or by its name before it.
"""

import re
from collections.abc import Callable, Iterator

from stdnum.ar import cuit
from stdnum.be import nn
from stdnum.br import cnpj, cpf
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.es import dni, nie
from stdnum.eu import vat
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.in_ import gstin
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.my import nric
from stdnum.se import personnummer
from stdnum.th import pin
from stdnum.us import itin, ssn

from reasoning.phone_shapes import NOT_A_PERSONS, kept_spans

_START, _END = r"(?<![A-Za-z0-9_])(?<!\d[.,/-])", r"(?![A-Za-z0-9_])(?![.,/-]\d)"


def _form(body: str) -> re.Pattern[str]:
    return re.compile(_START + body + _END, re.IGNORECASE)


_CHECKED: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_form(r"\d{3}-\d{2}-\d{4}"), lambda number: bool(ssn.is_valid(number) or itin.is_valid(number))),
    (_form(r"\d{8}-?[A-Z]"), dni.is_valid),
    (_form(r"[XYZ]-?\d{7}-?[A-Z]"), nie.is_valid),
    (
        _form(r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-EHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"),
        codicefiscale.is_valid,
    ),
    (_form(r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d"), curp.is_valid),
    (_form(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), cpf.is_valid),
    (_form(r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}"), cnpj.is_valid),
    (_form(r"\d{2}[A-Z]{5}\d{4}[A-Z][A-Z0-9]Z[A-Z0-9]"), gstin.is_valid),
    (_form(r"\d{6}[-+A]\d{3}[0-9A-Y]"), hetu.is_valid),
    (_form(r"\d{6}-[1-8]\d{6}"), rrn.is_valid),
    (_form(r"\d{6}(?:19|20)\d{9}[0-9X]"), ric.is_valid),
    (_form(r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}"), nir.is_valid),
    (_form(r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}"), ahv.is_valid),
    (_form(r"(?:\d{2}){1,2}(?:0[1-9]|1[0-2])\d{2}[-+]\d{4}"), personnummer.is_valid),
    (_form(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}"), nn.is_valid),
    (_form(r"\d-\d{4}-\d{5}-\d{2}-\d"), pin.is_valid),
    (_form(r"\d{6}-\d{2}-\d{4}"), nric.is_valid),
    (_form(r"\d{1,2}\.\d{3}\.\d{3}-[0-9K]"), rut.is_valid),
    (_form(r"(?:20|23|24|27|30|33|34)-\d{8}-\d"), cuit.is_valid),
    # A company's, with the letters that only such a number has.
    (_form(r"ATU\d{8}|NL\d{9}B\d{2}|ES[A-Z]\d{7}[A-Z0-9]|ESX?\d{8}[A-Z]|IE\d{7}[A-Z]{1,2}|CY\d{8}[A-Z]"), vat.is_valid),
)
"""Forms that are rarely anything else once the check digit holds."""

_NINO = re.compile(r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2} ?(?:\d{2} ?){3}[A-D](?!\w)")

_NAMES = (
    r"social (?:security|insurance)|ssn|national insurance|ni (?:number|no)|nino|nhs|medicare|national id(?:entity)?"
    r"|identity (?:card|no)|id number|id card|passport|passeport|pasaporte|passaporto|passaporte|paszport"
    r"|reisepass|driver'?s? licen[cs]e|driving licen[cs]e|führerschein|permis de conduire|personalausweis|ausweis\w*"
    r"|steuer-?id\w*|steueridentifikations\w*|steuernummer|steuer-?nr|sozialversicherungs\w*|rentenversicherungs\w*"
    r"|svnr|sv-nummer|ahv\w*|idnr|s[eé]curit[eé] sociale|num[eé]ro (?:national|fiscal)|nir|niss|rijksregister\w*|bsn"
    r"|burgerservice\w*|sofi-?nummer|dni|documento (?:nacional )?de identidad|c[eé]dula|curp|rut|codice fiscale"
    r"|cod\. ?fisc\w*|c\.f\.|cpf|pesel|dow[oó]d\w*|nr dowodu|pps n(?:o|r|um\w*)|ppsn|itin|tfn|tax file|ird|t\.?c\.? ?kimlik\w*"
    r"|kimlik\w*|tckn|マイナンバー|個人番号|주민(?:등록)?번호|身份证(?:号码?)?|身分證"
    r"|aadhaa?r|nric|mykad|my ?kad|ic no|ת\"ז|ת״ז|תעודת זהות"
    r"|снилс|паспорт\w*|рнокпп|іпн|αμκα|ταυτότητ\w*|rodn[eé] [cč][ií]slo|taj|cnp|егн|person(?:al)?(?:nummer|nr)"
    r"|samordnings\w*|fødselsn\w*|cpr\w*|henkilötunnus|hetu|isikukood|asmens kod\w*|personas kod\w*|oib|emšo|jmbg"
    r"|บัตรประชาชน|nik|ktp|cccd|cmnd|elster\w*|tax (?:id|no|number|payer)\w*|vat (?:id|no|number|reg)\w*|ust\.?-?id\w*"
    r"|umsatzsteuer-?id\w*|uid-?nummer|mwst\.?-?(?:nr|nummer)|(?:n°?|num[eé]ro) ?(?:de )?tva|btw-?(?:nummer|nr|id\w*)"
    r"|p\.? ?iva|partita iva|siret|siren|cif|rfc|cuit|cuil|cnpj|nipc|nip|regon|vkn|vergi \w+|gstin|gst no|abn|acn|инн"
    r"|огрн|αφμ|ičo|dič|adósz[aá]m|cui|org\.? ?-?(?:nr|nummer)|orgnr|organisationsnummer|organisasjonsnummer|cvr\w*"
    r"|y-tunnus|法人番号|사업자등록번호|统一社会信用代码|税号|npwp|mã số thuế"
)
_UPPER_NAMES = "SIN|NAS|EIN|NIE|NIF|NIT|TIN|PAN|UTR|AVS|MST|PPS"
"""Short ones are ordinary words of some language when they are not in capitals."""
_JUST_BEFORE = "VAT|TVA|IVA|BTW|MOMS|ALV|DPH|KMKR|UID|USt|MwSt|ПДВ|NIE|FIN"
_NAME = re.compile(
    rf"(?:(?<![A-Za-z0-9])(?i:{_NAMES})|(?<![A-Za-z0-9_])(?:{_UPPER_NAMES})"
    rf"|(?<![A-Za-z0-9_])(?:{_JUST_BEFORE})(?=\W{{1,3}}[A-Z]{{0,3}}\d{{6}}))(?![A-Za-z])"
)
_GAP = re.compile(r"[^\d\n]{0,34}?(?=(?<![A-Za-z0-9])(?:[A-Z]{1,3} )?[A-Za-z]{0,6}\d)")
_VALUE = re.compile(
    r"(?:[A-Z]{1,3} )?[A-Za-z]{0,6}\d[A-Za-z0-9]*(?:(?:[ \u00a0]|[./-]| - )\d[A-Za-z0-9]*|[ -][A-Z](?![A-Za-z0-9]))*"
)
_LEAST_DIGITS, _LEAST, _MOST = 4, 7, 20
_BEFORE = 14


def find_identity_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of such numbers; they may overlap."""
    for pattern, is_valid in _CHECKED:
        for match in pattern.finditer(text):
            if is_valid(match[0]):
                yield match.span()
    yield from (match.span() for match in _NINO.finditer(text))
    kept = kept_spans(text)
    for name in _NAME.finditer(text):
        gap = _GAP.match(text, name.end())
        found = _VALUE.match(text, gap.end()) if gap else None
        if found is None or NOT_A_PERSONS.search(text, name.end(), found.start()):
            continue
        # An order has an id number as well.
        if (
            NOT_A_PERSONS.search(text, max(0, name.start() - _BEFORE), name.start())
            and name[0].casefold() == "id number"
        ):
            continue
        end = _end_of(found[0], found.start())
        value = text[found.start() : end]
        if any(found.start() < right and left < end for left, right in kept) or not _may_be_number(value):
            continue
        yield found.start(), end


def _end_of(value: str, start: int) -> int:
    """Leave the last groups to what follows where the whole is too long for one number."""
    while sum(char.isalnum() for char in value) > _MOST and " " in value:
        value = value[: value.rindex(" ")]
    return start + len(value)


def _may_be_number(value: str) -> bool:
    return sum(char.isdigit() for char in value) >= _LEAST_DIGITS and sum(char.isalnum() for char in value) >= _LEAST
