"""Times told in German, Spanish, French, Portuguese, Italian, Dutch, Polish, Turkish and Japanese, said in English."""

import re
from typing import NamedTuple

from reasoning.plain_text import plain

_ABOUT = (
    r"(?:(?:etwa|ca\.?|circa|ungefahr|rund|gut|mindestens|schon|bereits|uber|knapp|aproximadamente|unos"
    r"|unas|alrededor de|cerca de"
    r"|mas de|al menos|ya|casi|environ|a peu pres|quelque|plus de|au moins|deja|pres de|mais de|pelo menos"
    r"|ja|quase|uns|umas|piu di"
    r"|almeno|gia|quasi|all'incirca|zo'n|ongeveer|rond de|minstens|al|bijna|meer dan|okolo|jakies|ponad"
    r"|co najmniej|juz|mniej wiecej"
    r"|yaklasik|asagi yukari|en az|neredeyse|tam)\s+){0,2}"
)
_NUMBERS = {
    "half": "halbe[nr]?|media|demi-?|une demi|meia|mezz'?|mezza|half|halve|pol|yarim",
    "one": "ein(?:e[rmn]?)?|una?|une?|uma?|un'|een|jedn\\w+|bir",
    "two": "zwei|dos|deux|dois|duas|due|twee|dwa|dwie|dwoch|iki|paar|par|couple|un paio di|pare",
    "three": "drei|tres|trois|tre|drie|trzy|trzech|uc",
    "four": "vier|cuatro|quatre|quatro|quattro|cztery|czterech|dort",
    "five": "funf|cinco|cinq|cinque|vijf|piec|pieciu|bes",
    "six": "sechs|seis|six|sei|zes|szesc|szesciu|alti",
    "ten": "zehn|diez|dix|dez|dieci|tien|dziesiec|dziesieciu",
    "several": "einigen?|mehreren?|wenigen?|algun[oa]s|vari[oa]s|quelques|plusieurs|algum[as]+|alguns|algumas"
    "|qualche|alcun[ie]|divers[ie]"
    "|enkele|een paar|meerdere|kilku?|kilkanascie|pare|birkac|des",
}
_UNITS = {
    "minutes": r"minut(?:en|os?|es?|i|y)?|dakika\w*|min",
    "hours": r"stunden?|std|horas?|heures?|or[ae]|uur|uren|godzin(?:y|e|ami)?|saat(?!te|i)\w*|h",
    "days": r"tag(?:en?)?|dias?|jours?|giorn[oi]|dag(?:en)?|dzien|dni(?:ach)?|gun(?:dur|den|ler\w*|lerdir)?",
    "weeks": r"wochen?|semanas?|semaines?|settiman[ae]|we(?:ek|ken)|tydzien|tygodni(?:e|u|a)?|hafta\w*",
}
_NUMBER = rf"(?P<number>\d+(?:[.,]\d+)?|{'|'.join(_NUMBERS.values())})"
_UNIT = rf"(?P<unit>{'|'.join(_UNITS.values())})"
_PLURAL = r"tagen|stunden|wochen|dias|horas|semanas|jours|heures|semaines|giorni|ore|settimane|dagen|uren|weken"
"""Of an uncounted time: `seit Tagen`."""
_AGO_BEFORE = r"vor|hace|il y a|ha|faz|przed"
_SINCE = (
    r"seit|desde hace|desde ha|ha ya|depuis|llevamos|llevo|da|da circa|sinds|al|od|ha mais de"
    r"|in den (?:letzten|vergangenen)"
    r"|(?:en )?(?:las|los) ultim[oa]s|n[oa]s ultim[oa]s|(?:nelle|negli|le|gli) ultim[ei]"
    r"|(?:in )?de (?:afgelopen|laatste)"
    r"|(?:w ciagu |przez )?ostatnich"
)
_AGO_AFTER = r"geleden|fa|atras|temu|zuvor"
_TURKISH = r"(?P<unit>dakika|saat|gun|hafta)"


class _Reader(NamedTuple):
    pattern: re.Pattern[str]
    say: str
    """With {number} and {unit}."""


def _reader(words: str, say: str) -> _Reader:
    return _Reader(re.compile(rf"(?<!\w)(?:{words})(?!\w)"), say)


_READERS = (
    _reader(rf"{_NUMBER}\s*{_UNIT}\s+(?:{_AGO_AFTER})", "{number} {unit} ago"),
    _reader(rf"(?:{_SINCE})\s+{_ABOUT}{_NUMBER}\s*{_UNIT}", "for the last {number} {unit}"),
    _reader(rf"(?:{_AGO_BEFORE})\s+{_ABOUT}{_NUMBER}\s*{_UNIT}", "{number} {unit} ago"),
    _reader(rf"(?:ces|les|des) {_NUMBER} derniere?s {_UNIT}", "for the last {number} {unit}"),
    _reader(rf"{_NUMBER}\s*{_TURKISH} once(?:den|sinden)?", "{number} {unit} ago"),
    _reader(rf"{_NUMBER}\s*{_TURKISH}(?:dir|dur|tir|den beri|ten beri|dan beri)", "for the last {number} {unit}"),
    _reader(rf"son {_NUMBER}\s*{_TURKISH}\w*", "for the last {number} {unit}"),
    _reader(rf"(?:{_SINCE}|{_AGO_BEFORE})\s+{_ABOUT}(?P<unit>{_PLURAL})", "for the last several {unit}"),
    _reader(r"(?P<unit>gun|saat|hafta)lerdir|(?P<unit2>saat|hafta)lardir", "for the last several {unit}"),
)
_JAPANESE = re.compile(
    r"(?:ここ|この|過去|直近|約|およそ|もう)*(?P<number>\d+(?:\.\d+)?|数|半|一|二|三|四|五|六|十)\s*か?(?P<unit>分|時間|日|週)間?"
    r"(?:ほど|くらい|ぐらい|以上|も|あまり)*(?:前|にわた|続|の間|か?間?ずっと|から)"
)
_JAPANESE_NUMBERS = {"数": "several", "半": "half an", "一": "one", "二": "two", "三": "three", "四": "four", "五": "five",
                     "六": "six", "十": "ten"}  # fmt: skip
_JAPANESE_UNITS = {"分": "minutes", "時間": "hours", "日": "days", "週": "weeks"}
_SINCE_DAY = r"(?:seit|desde|depuis|da|dal|sinds|od|vanaf|ab|a partir de|a partire da)"
_DAYS = (
    (r"(?:seit )?gestern (?:morgen|fruh|vormittag)|(?:desde )?ayer por la manana|(?:depuis )?hier matin"
     r"|(?:desde )?ontem de manha"
     r"|(?:da )?ieri mattina|(?:sinds )?gisterochtend|(?:od )?wczoraj rano|dun sabah\w*|昨日の(?:朝"
     r"|午前)", "yesterday morning"),
    (r"(?:seit )?gestern (?:abend|nachmittag)|(?:desde )?ayer por la (?:tarde|noche)"
     r"|(?:depuis )?hier (?:soir|apres-midi)"
     r"|(?:desde )?ontem (?:a|de) (?:tarde|noite)|(?:da )?ieri (?:sera|pomeriggio)|(?:sinds )?gister(?:avond|middag)"
     r"|(?:od )?wczoraj (?:wieczor\w*|po poludniu)|dun (?:aksam|ogleden sonra)\w*|昨日の(?:夕方|午後"
     r"|夜)", "yesterday afternoon"),
    (r"(?:seit )?(?:letzter|heute) nacht|(?:desde )?anoche|cette nuit|(?:desde )?(?:esta|ontem a) noite"
     r"|stanotte|(?:da )?ieri notte"
     r"|vannacht|(?:od )?(?:tej|zeszlej) nocy|dun gece\w*|昨夜|昨晩|ゆうべ", "last night"),
    (r"(?:seit )?heute (?:morgen|fruh|vormittag)|(?:desde )?esta manana|(?:depuis )?ce matin|hoje (?:de"
     r"|pela) manha|(?:da )?stamattina"
     r"|(?:sinds )?vanochtend|vanmorgen|(?:od )?dzisiaj rano|(?:od )?dzis rano|bu sabah\w*|今朝|今日の朝", "this morning"),
    (rf"{_SINCE_DAY} (?:gestern|ayer|hier|ontem|ieri|gisteren|wczoraj)|(?<!\w)(?:gestern|ayer|ontem|ieri"
     r"|gisteren|wczoraj)"
     r"|dun(?:den beri)?|昨日", "yesterday"),
    (rf"{_SINCE_DAY} (?:heute|hoy|aujourd'hui|hoje|oggi|vandaag|dzisiaj|dzis)|bugunden beri|(?:今日"
     r"|本日)(?:から|になって)", "today"),
)  # fmt: skip
_WEEKDAYS = {
    "monday": "montag|lunes|lundi|segunda-feira|(?<=desde )segunda|lunedi|maandag|poniedzialk?u?|pazartesi|月曜日?",
    "tuesday": "dienstag|martes|mardi|terca-feira|(?<=desde )terca|martedi|dinsdag|wtork?u?|wtorek|sali|火曜日?",
    "wednesday": "mittwoch|miercoles|mercredi|quarta-feira|(?<=desde )quarta|mercoledi|woensdag|srody?|sroda|carsamba"
    "|水曜日?",
    "thursday": "donnerstag|jueves|jeudi|quinta-feira|(?<=desde )quinta|giovedi|donderdag|czwartk?u?|czwartek"
    "|persembe|木曜日?",
    "friday": "freitag|viernes|vendredi|sexta-feira|(?<=desde )sexta|venerdi|vrijdag|piatk?u?|piatek|cuma|金曜日?",
    "saturday": "samstag|sonnabend|sabado|samedi|sabato|zaterdag|soboty|sobote|cumartesi|土曜日?",
    "sunday": "sonntag|domingo|dimanche|domenica|zondag|niedzieli|niedziele|pazar|日曜日?",
}
_SINCE_WEEKDAY = (
    r"(?:seit(?: letztem| dem)?|am|letzten|desde el|el|desde|depuis|na|no|da|dal|sinds|op|afgelopen|od|w"
    r"|we|ostatni\w*)"
)
_WHOLE_DAYS = [
    (re.compile(_bounded), said) for words, said in _DAYS for _bounded in [rf"(?<![a-z])(?:{words})(?![a-z])"]
]
_NAMED_DAYS = [
    (
        re.compile(
            rf"(?<![a-z]){_SINCE_WEEKDAY} (?:{words})(?![a-z])|(?:{words})(?:から|以降|に)|(?:{words}) ?gunun?den beri"
        ),
        day,
    )
    for day, words in _WEEKDAYS.items()
]
_SAID_NUMBER = [(re.compile(words), said) for said, words in _NUMBERS.items()]
_SAID_UNIT = [(re.compile(words), said) for said, words in _UNITS.items()]


def in_english(text: str) -> str:
    """Return a text with its times said in English: `vor drei Stunden` is `three hours ago`.

    A text without such words is returned as it is; of another, the rest is without case and accents.
    """
    lines = [plain(line) for line in text.splitlines()]
    told = "\n".join(_told(line) for line in lines)
    return text if told == "\n".join(lines) else told


def _told(line: str) -> str:
    for reader in _READERS:
        line = reader.pattern.sub(lambda match, say=reader.say: f" {_said(match, say)} ", line)  # type: ignore[misc]
    line = _JAPANESE.sub(_said_japanese, line)
    for words, said in _WHOLE_DAYS:
        line = words.sub(f" {said} ", line)
    for words, day in _NAMED_DAYS:
        line = words.sub(f" since {day} ", line)
    return line


def _said(match: re.Match[str], say: str) -> str:
    found = match.groupdict()
    number, unit = found.get("number") or "", found.get("unit") or found.get("unit2") or ""
    if number[:1].isdigit():
        number = number.replace(",", ".")
    else:
        number = next((said for words, said in _SAID_NUMBER if words.fullmatch(number)), number)
    unit = next((said for words, said in _SAID_UNIT if words.fullmatch(unit)), unit)
    return say.format(number="half an" if number == "half" else number, unit=unit)


def _said_japanese(match: re.Match[str]) -> str:
    number = _JAPANESE_NUMBERS.get(match["number"], match["number"])
    return f" {number} {_JAPANESE_UNITS[match['unit']]} ago "
