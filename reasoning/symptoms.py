"""The fixed list of symptoms and the words that tell them. Playbooks name them in `applies_when.symptoms`."""

import re

from reasoning.plain_text import plain
from reasoning.symptom_words import (
    EVENTS,
    FAILING_WEBHOOK,
    NONE_OF,
    NOT_ARRIVING,
    NOT_ARRIVING_JAPANESE,
    SYMPTOM_WORDS,
)

_STILL = (
    r"still (?:happening|failing|broken|seeing|getting|not|down|see|get|fails?|occurs?|occurring|slow|the same"
    r"|wrong|an issue|there)"
    r"|(?:happening|failing|broken|down|back|occurring|wrong|started) again|(?:has|is) come back|came back|re-?open"
    r"|(?:not|isn'?t|hasn'?t been|wasn'?t|never) (?:been )?(?:fixed|resolved|solved)"
    r"|(?:issue|problem|error)s? (?:still )?persists?|same (?:issue|problem|error)s? (?:again|as before)"
)

SYMPTOMS: dict[str, str] = {
    "rate-limited": r"rate[- ]?limit\w*|too many requests|throttl\w+|retry-after",
    "quota-exceeded": r"quota\w*|usage limit|monthly limit|over (?:our|my|the) limit",
    "server-errors": r"5xx|internal (?:server )?error|server errors?|bad gateway|service unavailable"
    r"|gateway time-?out|outage"
    r"|api (?:is )?down|is your api down",
    "timeouts": r"time-?outs?|timed out|timing out|never (?:returns|responds)|hangs?|hanging",
    "slow": r"slow\w*|latenc(?:y|ies)|sluggish\w*|lag(?:s"
    r"|gy|ging)?|unresponsive|crawl(?:s|ing)?"
    r"|(?:takes?|taking|took|needs?|waits?|waiting) (?:(?!look|within|in|after)\w+ ){0,3}?(?:forever|ages"
    r"|longer|too long|so long|very long"
    r"|\d+(?:[.,]\d+)? ?(?:s|sec|secs|seconds|min|mins|minutes)"
    r"|(?:two|three|four|five|six|eight|ten|twenty|thirty|several|many) (?:seconds|minutes))"
    r"|(?:response|render(?:ing)?|processing|load(?:ing)?|request|query|queue) times?(?! out)|p9[059]|performance|degraded"
    r"|stuck (?:in|at) (?:the )?(?:queue|queued|pending|processing)",
    "unauthorized": r"unauthori[sz]ed|not authori[sz]ed|invalid (?:(?:api )?keys?|(?:access )?tokens?|credentials)"
    r"|(?:key|token|credential)s? (?:is |are |was |were |has been |have been |just |suddenly )*"
    r"(?:expired|revoked|invalid|rejected|refused|stopped working|no longer (?:works?|accepted|valid)"
    r"|not (?:working|accepted|recogni[sz]ed|valid))"
    r"|authentication (?:fail\w*|errors?)|auth (?:fail\w*|errors?)"
    r"|(?:cannot|can[’']?t|could ?n[o’']t|unable to) (?:authenticate|log ?in|sign ?in)"
    r"|log-?ins? (?:is |are )?(?:fail\w*|broken|not working|refused|rejected)",
    "forbidden": r"forbidden|permission\w*|access (?:is |was )?denied|denied access|not allowed"
    r"|(?:insufficient|missing|lacks?|lacking) (?:the )?(?:scopes?|rights|privileges)"
    r"|lost access to|taken? (?:the |our )?(?:rights|access) away|do ?n[o’']t have access",
    "payment-required": r"payment required|billing hold"
    r"|account (?:is |was |has been )?(?:suspended|blocked|locked|past due|on hold)",
    "bad-request": r"bad request|validation errors?|invalid request|unprocessable"
    r"|(?:payload|entity|body|files?|uploads?|requests?) (?:is |are |was |were )?too (?:large|big|long)",
    "errors": r"errors?|fail(?:s|ed|ing|ures?)?|broken|not working|doesn'?t work|stopped working",
    "charged-twice": r"charged (?:us |me )?(?:twice|double)|double[- ](?:charg|bill|count)\w+"
    r"|duplicate (?:charge|invoice|payment)s?"
    r"|billed (?:us |me )?(?:twice|double)|counted twice",
    "invoice-too-high": r"(?:invoice|bill|charge|amount|total)\w*\b[^.\n]{0,60}\b(?:too high|higher|wrong"
    r"|incorrect|doubled?|more than"
    r"|twice|unexpected|jumped|increased|much|does ?n[o']t (?:match|add up))|overcharg\w+|over-?bill\w*"
    r"|why (?:is|was|are|were) [^?!\n]{0,60}(?:usd|eur|gbp|dollars|euros)\b[^\n]{0,20}\bexpected",
    "payment-failed": r"(?:payment|card|charge)s?\b[^.\n]{0,30}\b(?:fail\w*|declined|rejected"
    r"|did ?n[o']t go through|not going through)",
    "refund": r"refunds?|credit note|money back",
    "webhook-missing": r"webhooks?\b[^.\n]{0,60}\b(?:missing|not (?:arriving|received|being sent|firing|coming"
    r"|delivered)|never (?:arriv|came)\w*"
    r"|stopped|no longer|delayed|late)|(?:not (?:receiving|getting)|no) (?:any )?webhooks?",
    "webhook-failing": r"webhooks?\b[^.\n]{0,60}\b(?:fail\w*|errors?|signatures?|retr(?:y|ies|ied))",
    "missing-data": r"missing (?:data|records?|events?|rows?|results?)|data (?:is )?(?:missing|lost|gone)"
    r"|disappeared|empty results?",
    "reopened": _STILL,
}
"""Symptom to its English words, as one regular expression over the requester's text; reasoning/symptom_words.py has those of
other languages. `reopened` counts in later messages only."""
OF_STATUS = {429: "rate-limited", 401: "unauthorized", 403: "forbidden", 402: "payment-required", 400: "bad-request",
             413: "bad-request", 414: "bad-request", 415: "bad-request", 422: "bad-request",
             408: "timeouts", 504: "timeouts"}  # fmt: skip
"""What a status code says by itself; 500 to 599 say `server-errors` too."""
OF_ERROR_CODE = {
    "rate_limited": "rate-limited",
    "quota_exceeded": "quota-exceeded",
    "key_revoked": "unauthorized",
    "key_expired": "unauthorized",
    "permission_denied": "forbidden",
    "payment_required": "payment-required",
    "invalid_request": "bad-request",
    "upstream_error": "server-errors",
    "internal_error": "server-errors",
    "timeout": "timeouts",
}
_EVENT = (
    rf"(?:{EVENTS}|(?:web)?hooks?\.[\w.-]+"
    r"|(?<![\w.@/-])[a-z]{3,}(?:_[a-z]+)*\.(?!com|net|org|example)[a-z]{4,}(?:_[a-z]+)*(?![\w.@/(-]))"
)
"""Webhooks, events, an event by its own name as in `invoice.paid`, or the host that takes them."""
_GAP = r"(?:[^.!?\n。]|\.(?=\w)){0,60}?"
"""At most so much of one sentence; a point within a name ends none."""


def _near(one: str, other: str) -> str:
    return rf"(?<!\w)(?:{one})(?!\w){_GAP}(?<!\w)(?:{other})(?!\w)|(?<!\w)(?:{other})(?!\w){_GAP}(?<!\w)(?:{one})(?!\w)"


def _words(name: str) -> list[re.Pattern[str]]:
    """The expressions of one symptom in other languages than English: whole words, then Japanese."""
    *spaced, japanese = SYMPTOM_WORDS[name]
    return [re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)"), re.compile(japanese)]


_JAPANESE_EVENT = rf"(?:webhook|ウェブフック|イベント|コールバック|通知|{_EVENT})"
_FAILURE = "|".join((*SYMPTOM_WORDS["errors"][:-1], FAILING_WEBHOOK))
_COMPILED = {name: re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) for name, words in SYMPTOMS.items()}
_ABROAD: dict[str, list[re.Pattern[str]]] = {name: _words(name) for name in SYMPTOM_WORDS} | {
    "webhook-missing": [
        re.compile(_near(_EVENT, "|".join(NOT_ARRIVING))),
        re.compile(rf"(?<!\w)(?:{NONE_OF}) (?:\S+ ){{0,2}}?{_EVENT}(?!\w)"),
        re.compile(rf"{_JAPANESE_EVENT}[^。\n]{{0,60}}?(?:{NOT_ARRIVING_JAPANESE})"),
    ],
    "webhook-failing": [
        re.compile(_near(r"web-?hook\w*", _FAILURE)),
        re.compile(rf"(?:webhook|ウェブフック)[^。\n]{{0,40}}?(?:署名|{SYMPTOM_WORDS['errors'][-1]})"),
    ],
}


def symptoms_in(text: str) -> tuple[str, ...]:
    """Return the symptoms that a text tells, in the order of the list, `reopened` not among them.

    English, German, Spanish, French, Portuguese, Italian, Dutch, Polish, Turkish and Japanese words count, in any mixture.
    """
    flat = plain(text)
    return tuple(name for name in SYMPTOMS if name != "reopened" and _tells(name, text, flat))


def _tells(name: str, text: str, flat: str) -> bool:
    return _COMPILED[name].search(text) is not None or any(words.search(flat) for words in _ABROAD[name])


def symptom_of_status(status: int) -> tuple[str, ...]:
    """Return what a status code says by itself."""
    own = (OF_STATUS[status],) if status in OF_STATUS else ()
    return (*own, "server-errors") if 500 <= status <= 599 else own


def says_still(text: str) -> bool:
    """Whether a later message says that the trouble goes on or is back."""
    return _tells("reopened", text, plain(text))
