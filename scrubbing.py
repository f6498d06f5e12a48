"""Take out of a text for the logs what belongs to a person or opens a door. Pure and linear in the length of the text."""

import re

_KEY_STARTS = "(?:sk|rk|pk|whsec|gh[opsu]|github_pat|glpat|lin_api|lin_oauth|xox[abprs])[-_]|AKIA"
# Without its separator `sk` is the start of every 900th random id.
_KEY_NAMES = r"(?:x-)?api[-_]?key|(?:[a-z]{1,20}[-_]?)?token|password|passwd|secret|authorization|signature"
# Every repetition is bounded or starts at a fixed word, so that a hostile text cannot hold up the process.
_ALWAYS = (
    (re.compile(r"//[^/\s:@]{0,100}:[^/\s@]{0,200}@"), "//<login>@"),
    (re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), "<email>"),
    (re.compile(r"(?i)\b(bearer|basic|token)\s{1,5}[\w.~+/=-]{8,}"), r"\1 <key>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), "<key>"),
    (re.compile(rf"\b(?:{_KEY_STARTS})[\w-]{{8,}}(?:[+/][\w+/-]*)?={{0,2}}"), "<key>"),
    (re.compile(rf"""(?i)\b({_KEY_NAMES})(["']?\s{{0,3}}[=:]\s{{0,3}}["']?)(?!<)[^\s"',&;}}]+"""), r"\1\2<key>"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), "<iban>"),
    (re.compile(r"input_value=.{0,200}?, input_type="), "input_value=<value>, input_type="),
)
_NUMBERS = re.compile(r"(?<![\w.])\+?\d(?:[ ()/-]{0,2}\d){8,}(?!\w)")
_LONGEST = 20_000
"""Characters of one value in a line; the middle of a longer one is left out."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def scrub(text: str, *, numbers: bool = True) -> str:
    """Return text without e-mail addresses, logins, tokens, keys and, unless it is an id of ours, long numbers."""
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]} … {len(text) - _LONGEST} characters left out … {text[-half:]}"
    for pattern, instead in _ALWAYS:
        text = pattern.sub(instead, text)
    return _NUMBERS.sub(_number, text) if numbers else text


def _number(found: re.Match[str]) -> str:
    """A date and the hour behind it look like a long number."""
    text = found[0]
    return text[:10] + _NUMBERS.sub("<number>", text[10:]) if _DATE.match(text) else "<number>"
