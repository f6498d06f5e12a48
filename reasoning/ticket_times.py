"""When the trouble started, as far as a text tells: absolute and relative times, and how vaguely they are said."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from reasoning.time_words import in_english

_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "bst": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "ist": 5.5, "jst": 9, "aest": 10,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
"""Hours east of UTC. A clock time without a zone is read as UTC."""
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "few": 3,
            "couple of": 2, "half an": 0.5, "some": 3, "several": 4, "couple": 2}  # fmt: skip
_UNITS = {"min": 1, "minute": 1, "hour": 60, "hr": 60, "h": 60, "day": 1440, "week": 10080}
_ZONE = (
    r"(?:\s*(?P<zone>utc|gmt|z|bst|cet|cest|eet|eest|ist|jst|aest|est|edt|cst|cdt|mst|mdt|pst|pdt"
    r"|[+-]\d{2}:?\d{2}))?(?!\w)"
)
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ISO = re.compile(
    r"(?<!\d)(?P<date>\d{4}-\d{2}-\d{2})(?:[t ,]+(?:at )?(?P<clock>\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?" + _ZONE + ")?",
    re.IGNORECASE,
)
_DATE = re.compile(
    rf"(?<!\w)(?:{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?\s+"
    + _MONTH.replace("<month>", "<month2>") + r")(?!\w)(?!\s*:)",
    re.IGNORECASE,
)  # fmt: skip
_CLOCK = re.compile(
    r"(?<![\w:.,/-])(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::\d{2})?)?\s*(?P<half>[ap]\.?m\.?(?!\w))?" + _ZONE,
    re.IGNORECASE,
)
_AGO = re.compile(
    r"(?<!\w)(?:(?P<lead>for|in|over|during|within|since) (?:about |around |roughly |at least |some (?=\d)|over "
    r"|more than |nearly |almost )?(?:the )?(?:last "
    r"|past )?|(?:the )?(?:last|past) )?"
    r"(?P<number>\d+(?:\.\d+)?|half an|couple of|an?(?! few| couple)|one|two|three|four|five|six|ten|few|some|several|couple)?\s*"
    r"(?P<unit>min|minute|hour|hr|h|day|week)s?(?P<ago> ago| earlier)?(?!\w)",
    re.IGNORECASE,
)
_VAGUE: dict[str, Callable[[datetime], datetime]] = {
    r"(?:since )?last night": lambda day: day - timedelta(hours=3),
    r"overnight": lambda day: day,
    r"(?:early )?(?:this|today) morning": lambda day: day + timedelta(hours=7),
    r"(?:at |around )?midnight": lambda day: day,
    r"(?:this|today) afternoon|(?:around |since )noon|lunch(?:time)?": lambda day: day + timedelta(hours=12),
    r"yesterday morning": lambda day: day - timedelta(hours=17),
    r"yesterday (?:afternoon|evening)": lambda day: day - timedelta(hours=9),
    r"yesterday": lambda day: day - timedelta(hours=16),
    r"today": lambda day: day + timedelta(hours=6),
}
"""Words to the time they are taken for, from midnight UTC of the day of writing; the longest match counts."""
_CLAUSES = re.compile(r"((?<=[.!?;,])\s+|\n\s*|\s+but\s+)")
_WELL = re.compile(
    r"(?<!\w)(?:worked|(?:ran|was|were|been|working|running|went) (?:\w+ ){0,2}(?:fine|okay|ok|well|good"
    r"|normal|normally|smoothly)|no (?:problems?|issues?|errors?|trouble))(?!\w)",
    re.IGNORECASE,
)
_NOT_WELL = re.compile(r"(?<!\w)(?:not|never|\w+n['’]t|stopped|until|till|since|before)(?!\w)", re.IGNORECASE)
_VAGUE_MINUTES = 480
"""How much earlier than the time that a vague word is taken for the trouble may have begun."""
_DAY_WORDS = re.compile(r"(?<!\w)(?P<word>yesterday|today|tonight|" + "|".join(_DAYS) + r")(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """A time that a text names."""

    at: datetime
    slack_minutes: int
    """How much earlier it may have been, as vaguely as it is said."""


def times_in(text: str, written: datetime) -> tuple[datetime, ...]:
    """Return the times that a text names, in no order; none lies after it was written."""
    return tuple(found.at for found in named_times(text, written))


def named_times(text: str, written: datetime) -> tuple[Named, ...]:
    """Return the times that a text names and how vaguely, in no order; none lies after it was written.

    A time at which all was still well, as in `it worked last week`, is none of trouble and left out. Other languages than English
    are those of reasoning/time_words.py.
    """
    troubled = "".join(
        clause
        for clause in _CLAUSES.split(in_english(text))
        if not (_WELL.search(clause) and not _NOT_WELL.search(clause))
    )
    found = [named for reader in (_absolute, _clocks, _relative) for named in reader(troubled, written)]
    # A vague word beside a clock time only names the day, and the clock reader has used it.
    return tuple(named for named in (found or list(_vague(troubled, written))) if named.at <= written)


def _day(written: datetime) -> datetime:
    return written.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _zone(name: str | None) -> timezone:
    if not name:
        return UTC
    if name[0] in "+-":
        hours = int(name[1:3]) + int(name[-2:]) / 60
        return timezone(timedelta(hours=-hours if name[0] == "-" else hours))
    return timezone(timedelta(hours=_ZONES[name.lower()]))


def _absolute(text: str, written: datetime) -> Iterator[Named]:
    for match in _ISO.finditer(text):
        try:
            at = datetime.fromisoformat(f"{match['date']}T{match['clock'] or '00:00'}:00").replace(
                tzinfo=_zone(match["zone"])
            )
        except ValueError:
            continue
        yield Named(at.astimezone(UTC), 0)


def _clocks(text: str, written: datetime) -> Iterator[Named]:
    bare = _ISO.sub(lambda match: " " * len(match[0]), text)
    for match in _CLOCK.finditer(bare):
        if not (match["minute"] or match["half"] or (match["zone"] and len(match["zone"]) > 1)):
            continue
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        if match["half"]:
            hour = hour % 12 + (12 if match["half"][0].lower() == "p" else 0)
        if hour > 23 or minute > 59:
            continue
        day = _day_beside(bare, match.start(), match.end(), written)
        at = day.replace(hour=hour, minute=minute, tzinfo=_zone(match["zone"])).astimezone(UTC)
        # A clock time still to come on the day of writing is yesterday's.
        yield Named(at - timedelta(days=1) if at > written and day == _day(written) else at, 0)
    if not any(match["minute"] or match["half"] for match in _CLOCK.finditer(bare)):
        for match in _DATE.finditer(bare):
            dated = _dated(match, written)
            if dated is not None:
                yield Named(dated, 0)


def _day_beside(text: str, start: int, end: int, written: datetime) -> datetime:
    near = text[max(0, start - 40) : end + 40]
    dated = _DATE.search(near)
    found = _dated(dated, written) if dated else None
    if found is not None:
        return found
    word = _DAY_WORDS.search(near)
    if word is None or word["word"].lower() in ("today", "tonight"):
        return _day(written)
    if word["word"].lower() == "yesterday":
        return _day(written) - timedelta(days=1)
    return _weekday(word["word"].lower(), written)


def _weekday(name: str, written: datetime) -> datetime:
    back = (written.weekday() - _DAYS.index(name)) % 7
    return _day(written) - timedelta(days=back)


def _dated(match: re.Match[str], written: datetime) -> datetime | None:
    month = _MONTHS.index((match["month"] or match["month2"])[:3].lower()) + 1
    try:
        at = _day(written).replace(month=month, day=int(match["day"] or match["day2"]))
        return at if at <= written else at.replace(year=at.year - 1)
    except ValueError:
        return None


def _relative(text: str, written: datetime) -> Iterator[Named]:
    for match in _AGO.finditer(text):
        lead, number = (match["lead"] or "").lower(), (match["number"] or "").lower()
        spans = re.search(
            r"(?:last|past) *$|(?:last|past) ", match[0][: match.start("unit") - match.start()], re.IGNORECASE
        )
        # "30 minutes" alone is how long something takes, not when it began.
        if not match["ago"] and not spans and not (lead in ("for", "since") and number):
            continue
        amount = _NUMBERS.get(number, 1) if not number[:1].isdigit() else float(number)
        unit = _UNITS[match["unit"].lower()]
        minutes = min(amount * unit, 366 * 1440)
        # People round: two hours ago may be two and a half, last week may be ten days.
        yield Named(written - timedelta(minutes=minutes), round(max(unit / 2, minutes / 4)))


def _vague(text: str, written: datetime) -> Iterator[Named]:
    rest = text
    for words, place in _VAGUE.items():
        if re.search(rf"(?<!\w)(?:{words})(?!\w)", rest, re.IGNORECASE):
            rest = re.sub(rf"(?<!\w)(?:{words})(?!\w)", " ", rest, flags=re.IGNORECASE)
            yield _vaguely(min(place(_day(written)), written))
    for match in re.finditer(rf"(?<!\w)(?:since|on|from|last)\s+(?P<day>{'|'.join(_DAYS)})(?!\w)", rest, re.IGNORECASE):
        yield _vaguely(_weekday(match["day"].lower(), written) + timedelta(hours=8))


def _vaguely(at: datetime) -> Named:
    return Named(at, round(min((at - _day(at)).total_seconds() / 60, _VAGUE_MINUTES)))
